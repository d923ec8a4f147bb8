"""What a report is asked for, as people write it."""

from collections.abc import Collection
from datetime import datetime, timedelta

from daemon.config.moments import EXAMPLES, parse_moment
from rules.errors import IncidentdError
from rules.figures import Asked
from rules.incident import Priority
from rules.words import one_of

USUAL = "30d"
LONGEST = timedelta(days=3660)


class WrongPeriod(IncidentdError):
    """Something that cannot be reported on; `field` says what was wrong about the question."""

    def __init__(self, field: str, words: str) -> None:
        super().__init__(words)
        self.field = field


def asked_of(
    since: str,
    until: str,
    now: datetime,
    *,
    services: Collection[str] = (),
    cis: Collection[str] = (),
    priorities: Collection[str] = (),
    groups: Collection[str] = (),
) -> Asked:
    """The question; WrongPeriod with one sentence where it has no answer."""
    begin, end = _moment("since", since or USUAL, now), _moment("until", until or "now", now)
    if begin >= end:
        raise WrongPeriod("since", "the period ends before it begins")
    if end - begin > LONGEST:
        raise WrongPeriod("since", "the period is longer than ten years")
    for priority in priorities:
        if priority not in list(Priority):
            raise WrongPeriod("priority", one_of(priority, [str(p) for p in Priority]))
    return Asked(
        since=begin,
        until=end,
        services=tuple(services),
        cis=tuple(cis),
        priorities=tuple(priorities),
        groups=tuple(groups),
    )


def _moment(field: str, text: str, now: datetime) -> datetime:
    try:
        return parse_moment(text, now)
    except (ValueError, OverflowError) as error:
        raise WrongPeriod(field, f"{error}; allowed: {EXAMPLES}") from None
