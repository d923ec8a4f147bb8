"""Moments on the command line."""

from datetime import datetime, timedelta

import typer


def moment_of(text: str, now: datetime, option: str) -> datetime:
    """The moment that an option names, of the past where it is a length of time; a usage error where it is none."""
    from daemon.config.moments import EXAMPLES, parse_moment

    try:
        return parse_moment(text, now)
    except (ValueError, OverflowError) as error:
        raise typer.BadParameter(f"{error}; allowed: {EXAMPLES}", param_hint=option) from None


def moment_about(text: str, now: datetime, option: str) -> datetime:
    """The moment that an option names, of the future where it is a length of time; a usage error where it is none."""
    from daemon.config.durations import parse_duration

    try:
        return now + parse_duration(text)
    except (ValueError, OverflowError):
        return moment_of(text, now, option)


def moment_ahead(text: str, now: datetime, option: str) -> datetime:
    """The same, but it must lie ahead."""
    ahead = moment_about(text, now, option)
    if ahead - now < timedelta(seconds=1):
        raise typer.BadParameter("that is not ahead; allowed: as in 90d or 2027-01-31T00:00:00Z", param_hint=option)
    return ahead
