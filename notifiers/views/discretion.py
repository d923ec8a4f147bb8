"""What those who know nothing of the infrastructure are spared: names of hosts, components and alerts."""

from collections.abc import Iterable

from rules.document import IncidentDocument

_PLACES = ("alertname", "ci", "instance", "host", "hostname", "node", "pod", "device", "cluster")


class Discretion:
    """Knows the inner names of an incident, and which words of people hold one of them."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(name.casefold() for name in names if len(name) > 1)

    def kept(self, text: str) -> str:
        """The text where it names nothing of the inside, else nothing."""
        folded = text.casefold()
        return "" if any(name in folded and _stands_alone(name, folded) for name in self._names) else text


def discretion(incident: IncidentDocument) -> Discretion:
    """The inner names that an incident speaks of. Its business services are no secret."""
    return Discretion(set(_names(incident)) - {name for s in incident.services for name in (s.id, s.name)})


def _names(incident: IncidentDocument) -> Iterable[str]:
    yield from incident.impacted
    yield from (c.ci for c in incident.root_cause.candidates)
    yield from filter(None, (incident.root_cause.ci, incident.confirmed_root, incident.affected_ci))
    yield from (suspect.ci for suspect in incident.suspects)
    for alert in incident.alerts:
        yield alert.ci or ""
        for label in _PLACES:
            value = alert.labels.get(label, "")
            yield value
            yield value.rpartition(":")[0]


def _stands_alone(name: str, text: str) -> bool:
    """Whether the name stands somewhere in the text as a word, not only within another one."""
    start = text.find(name)
    while start >= 0:
        end = start + len(name)
        if not (_is_inside(text[start - 1 : start]) or _is_inside(text[end : end + 1])):
            return True
        start = text.find(name, start + 1)
    return False


def _is_inside(char: str) -> bool:
    return char.isalnum()
