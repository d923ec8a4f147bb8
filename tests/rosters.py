"""A small organisation to call: a switch team and a rota, managers above them."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from rules.escalation import EscalationPolicy, EscalationStep
from rules.policy import Policy
from rules.roster import Contact, Group, Person, Roster
from rules.rotation import Layer, Override, Schedule
from tests.builders import T0, at

BERLIN = ZoneInfo("Europe/Berlin")
MINUTE = timedelta(minutes=1)


def wall(day: int, hour: int = 0, minute: int = 0) -> datetime:
    """What clocks show on that day of November 2026, without a zone."""
    return datetime(2026, 11, day, hour, minute)  # noqa: DTZ001


def person(who: str, zone: ZoneInfo = BERLIN, **fields: Any) -> Person:
    """Somebody with a mail address, unless told otherwise."""
    known = {
        "id": who,
        "name": who.capitalize(),
        "zone": zone,
        "contacts": (Contact(via="mail", address=f"{who}@x.net"),),
    }
    return Person(**{**known, **fields})


def weekly(*people: str, starts: datetime | None = None, **fields: Any) -> Layer:
    """A layer whose people take turns of a week."""
    teams = tuple((p,) for p in people)
    begin = starts or wall(2, 8)
    return Layer(**{"name": "weekly", "teams": teams, "turn": timedelta(weeks=1), "starts": begin, **fields})


def schedule(*layers: Layer, name: str = "rota") -> Schedule:
    """A schedule in Berlin."""
    return Schedule(name=name, zone=BERLIN, layers=layers)


def override(*people: str, begin: float = 0, end: float = 3600, **fields: Any) -> Override:
    """People put over the rota, from `begin` to `end` seconds into the story."""
    known: dict[str, Any] = {"id": "o1", "schedule": "rota", "made_by": "olga", "made_at": T0}
    return Override(**{**known, "people": people, "starts_at": at(begin), "ends_at": at(end), **fields})


STEPS = (
    EscalationStep(on_call=True),
    EscalationStep(after=10 * MINUTE, groups=("network",)),
    EscalationStep(after=15 * MINUTE, manager=True),
)


def roster(*steps: EscalationStep, repeat: int = 0, **fields: Any) -> Roster:
    """Anna is on call at T0 (ben a week later); network is theirs, olga is above; compute has no schedule."""
    people = [person("anna"), person("ben"), person("olga"), person("zoe", ZoneInfo("America/New_York"))]
    groups = [
        Group(name="network", members=("anna", "ben"), manager="olga", schedule="rota"),
        Group(name="compute", members=("zoe",), lead="zoe", escalation="lead"),
    ]
    policies = [
        EscalationPolicy(name="default", steps=steps or STEPS, repeat=repeat),
        EscalationPolicy(name="lead", steps=(EscalationStep(lead=True),)),
    ]
    known: dict[str, Any] = {
        "people": {p.id: p for p in people},
        "groups": {g.name: g for g in groups},
        "schedules": {"rota": schedule(weekly("ben", "anna", starts=wall(16, 8)))},
        "escalations": {p.name: p for p in policies},
    }
    return Roster(**{**known, **fields})


def policy(*steps: EscalationStep, repeat: int = 0, **fields: Any) -> Policy:
    """The organisation's numbers, with that roster."""
    return Policy(roster=roster(*steps, repeat=repeat), **fields)
