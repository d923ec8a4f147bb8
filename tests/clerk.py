"""Ordering records at a desk, for stories of service requests, problems and changes."""

from typing import Any

from rules.decision import RecordOrder, RecordVerb, Reply
from rules.record import Given, Kind, Record, parse_key
from tests.builders import at
from tests.desk import Desk


class Clerk:
    """A desk at which records are ordered."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._orders = 0

    def order(self, kind: Kind, verb: RecordVerb, **fields: Any) -> Reply:
        """One cycle in which somebody orders something about a record."""
        self._orders += 1
        order = RecordOrder(id=f"r{self._orders}", at=self.desk.now, actor="anna", kind=kind, verb=verb, **fields)
        (reply,) = self.desk.decide(order).replies
        return reply

    def create(self, kind: Kind, *incidents: int, status: str = "", **given: Any) -> str:
        """Make a record, from these incidents; its key."""
        fields = {"given": Given(**given), "incidents": incidents, "status": status}
        reply = self.order(kind, RecordVerb.CREATE, **fields)
        assert reply.done, reply.message
        return reply.subject

    def change(self, *cis: str, begin: float = 0, end: float = 3600, **fields: Any) -> str:
        """Make a change on these CIs, from `begin` to `end` seconds into the story; its key."""
        known = {"title": "switch firmware", "starts_at": at(begin), "ends_at": at(end), **fields}
        return self.create(Kind.CHANGE, cis=cis, **known)

    def step(self, key: str, step: str, text: str = "") -> str:
        """Move a record on; the answer."""
        series, number = parse_key(key)
        kind = next(k for k in Kind if k.series == series)
        return self.order(kind, RecordVerb.STEP, number=number, step=step, text=text).message

    def record(self, key: str) -> Record:
        """The record as it stands."""
        return self.desk.situation.records[key]

    def history(self, key: str) -> list[str]:
        """The lines of its history."""
        return [e.text for e in self.desk.timeline if e.key == key]

    def links(self, key: str) -> list[tuple[str, str]]:
        """What it is linked to, each relation with the other's key."""
        series, number = parse_key(key)
        thing = self.desk.incidents[number] if series == "INC" else self.record(key)
        return [(link.kind, link.key) for link in thing.links]
