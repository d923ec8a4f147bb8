"""The alerts of an incident as they came and went, moment by moment, and what was thought to be the root meanwhile."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from rules.alert import Alert
from rules.decision import TimelineEntry
from rules.incident import Incident

MOST_MOMENTS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One step of the replay: what began and ended since the step before, who alerts now (alerts by CI), and the CI
    that was thought to be the root, None where nobody knew yet."""

    at: datetime
    began: int
    ended: int
    alerting: Mapping[str, int]
    unmapped: int
    root: str | None

    @property
    def words(self) -> str:
        """What happened, in a line."""
        said = [
            f"{n} alert{'' if n == 1 else 's'} {verb}" for n, verb in ((self.began, "began"), (self.ended, "ended"))
        ]
        known = [words for words, n in zip(said, (self.began, self.ended), strict=True) if n]
        return ", ".join(known) or "the root cause was named"


def moments_of(incident: Incident, alerts: Sequence[Alert], timeline: Sequence[TimelineEntry]) -> tuple[Moment, ...]:
    """The steps, at most `MOST_MOMENTS`: every one where something began or ended, or the root became another."""
    turns = [e for e in timeline if e.kind == "root_changed"]
    instants = {a.onset for a in alerts} | {a.cleared_at for a in alerts if a.cleared_at is not None}
    instants |= {incident.opened_at, *(e.at for e in turns)} if alerts else set()
    begun = sorted(alerts, key=lambda a: a.onset)
    ended = sorted((a for a in alerts if a.cleared_at is not None), key=lambda a: a.cleared_at or a.onset)
    on: Counter[str | None] = Counter()
    moments, began, cleared = [], 0, 0
    for at in _thinned(sorted(instants)):
        first = began, cleared
        while began < len(begun) and begun[began].onset <= at:
            on[begun[began].ci] += 1
            began += 1
        while cleared < len(ended) and (ended[cleared].cleared_at or at) <= at:
            on[ended[cleared].ci] -= 1
            cleared += 1
        moments.append(
            Moment(
                at=at,
                began=began - first[0],
                ended=cleared - first[1],
                alerting={ci: n for ci, n in on.items() if ci is not None and n > 0},
                unmapped=max(on[None], 0),
                root=_root_at(incident, turns, at),
            )
        )
    return tuple(moments)


def _thinned(instants: list[datetime]) -> list[datetime]:
    if len(instants) <= MOST_MOMENTS:
        return instants
    return [instants[n * (len(instants) - 1) // (MOST_MOMENTS - 1)] for n in range(MOST_MOMENTS)]


def _root_at(incident: Incident, turns: Sequence[TimelineEntry], at: datetime) -> str | None:
    if at < incident.opened_at:
        return None
    before = [e for e in turns if e.at <= at]
    if before:
        return before[-1].new or None
    return (turns[0].old or None) if turns else incident.root.ci
