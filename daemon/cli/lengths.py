"""Lengths of time on the command line."""

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from datetime import timedelta


def length_of(text: str, option: str) -> "timedelta":
    """The length of time that was given for the option; typer.BadParameter where it is none, or no time at all."""
    from daemon.config.durations import EXAMPLES

    length = _read(text, option)
    if not length:
        raise typer.BadParameter(f"no time at all; allowed: {EXAMPLES}", param_hint=option)
    return length


def interval_of(text: str, option: str) -> "timedelta":
    """The time between two looks, 1s to 1d; typer.BadParameter where it is none."""
    from datetime import timedelta

    length = _read(text, option)
    if not timedelta(seconds=1) <= length <= timedelta(days=1):
        raise typer.BadParameter("allowed: 1s to 1d", param_hint=option)
    return length


def _read(text: str, option: str) -> "timedelta":
    from daemon.config.durations import EXAMPLES, parse_duration

    try:
        return parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(f"{error}; allowed: {EXAMPLES}", param_hint=option) from None
