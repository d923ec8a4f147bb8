"""Business services that are hit, for people."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from notifiers.language import marked
from notifiers.reader import Reader
from notifiers.wording import one_line
from rules.incident_shapes import ServiceDocument

MAX_SERVICES = 12
MAX_IN_TITLE = 3

STATES = ("down", "degraded", "at risk")
"""The states of a service that people are told of, the worst first."""

_WORDS = {"down": marked("down"), "degraded": marked("degraded"), "at risk": marked("at risk")}
_PAST = {"down": marked("was down"), "degraded": marked("was degraded"), "at risk": marked("was at risk")}
_MEANINGS = {
    "down": marked("not working"),
    "degraded": marked("working, but slowly or with errors"),
    "at risk": marked("working, but without a reserve should one more part fail"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceGroup:
    """The business services in one state, the first of them by name, and how many more there are in words.

    `state` is `down`, `degraded` or `at risk`; `word` says it in the reader's language, in the past where it is over,
    and `meaning` says what that is like for those who use the service.
    """

    state: str
    word: str
    meaning: str
    names: tuple[str, ...]
    more: str
    count: int


def service_groups(
    services: Iterable[ServiceDocument], reader: Reader, *, is_over: bool = False
) -> tuple[ServiceGroup, ...]:
    """The services by state, the worst state first."""
    names: dict[str, list[str]] = {}
    for service in services:
        names.setdefault(one_line(service.state, 20), []).append(one_line(service.name or service.id, 80))
    states = sorted(names, key=lambda s: (STATES.index(s) if s in STATES else len(STATES), s))
    words = _PAST if is_over else _WORDS
    return tuple(_group(state, sorted(names[state]), words, reader, is_over=is_over) for state in states)


def _group(state: str, names: list[str], words: Mapping[str, str], reader: Reader, *, is_over: bool) -> ServiceGroup:
    return ServiceGroup(
        state=state,
        word=reader.gettext(words[state]) if state in words else state,
        meaning="" if is_over or state not in _MEANINGS else reader.gettext(_MEANINGS[state]),
        names=tuple(names[:MAX_SERVICES]),
        more=more_words(len(names) - MAX_SERVICES, reader),
        count=len(names),
    )


def more_words(number: int, reader: Reader) -> str:
    """How many are left out of a list; empty where none is."""
    return reader.ngettext("and %(num)s more", "and %(num)s more", number) if number > 0 else ""


def service_sentence(groups: Iterable[ServiceGroup]) -> str:
    """Which services are hit and how, as in `Down: Payments. Degraded: Reporting`; empty where none is."""
    return ". ".join(f"{_capital(g.word)}: {', '.join(g.names)}{' ' + g.more if g.more else ''}" for g in groups)


def named(group: ServiceGroup, reader: Reader) -> str:
    """The services of a group within a sentence: all where they are few, else the first and how many more."""
    if group.count <= MAX_IN_TITLE:
        return reader.language.listed(group.names)
    rest = group.count - MAX_IN_TITLE + 1
    others = reader.ngettext("%(num)s more service", "%(num)s more services", rest)
    return reader.language.listed((*group.names[: MAX_IN_TITLE - 1], others))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
