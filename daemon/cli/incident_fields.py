"""An incident with all that belongs to it, for the commands that show or export it."""

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from daemon.store.rows import NoticeRow
    from daemon.store.store import Store
    from rules.alert import Alert
    from rules.decision import TimelineEntry
    from rules.incident import Incident
    from rules.satisfaction import Rating


class Whole(NamedTuple):
    """An incident, its alerts, its timeline, what was told of it and how content people were."""

    incident: "Incident"
    alerts: "list[Alert]"
    timeline: "list[TimelineEntry]"
    notices: "list[NoticeRow]"
    ratings: "list[Rating]"

    def document(self) -> dict[str, Any]:
        """All of it for programs."""
        import msgspec

        from daemon.cli.notices import notice_fields
        from rules.document import incident_document
        from rules.satisfaction_document import contact_document, rating_document

        return {
            "incident": msgspec.to_builtins(incident_document(self.incident, self.alerts)),
            "contact": msgspec.to_builtins(contact_document(self.incident.contact)),
            "timeline": [_entry_fields(e) for e in self.timeline],
            "notices": [notice_fields(n) for n in self.notices],
            "ratings": [msgspec.to_builtins(rating_document(r)) for r in self.ratings],
        }


def whole_of(store: "Store", number: int) -> Whole:
    """The incident of this number; a refusal where there is none."""
    from daemon.cli.refusal import Refusal
    from rules.incident import incident_key

    found = store.incident(number)
    if found is None:
        raise Refusal(f"there is no incident {incident_key(number)}; `incidentd incident list` shows them")
    return Whole(
        found,
        store.alerts_of(number),
        store.timeline(number),
        store.notices(incident=number, limit=_MOST_NOTICES),
        store.ratings.of_incident(number),
    )


_MOST_NOTICES = 1000


def _entry_fields(entry: "TimelineEntry") -> dict[str, Any]:
    from rules.document import rfc3339

    names = ("kind", "actor", "actor_kind", "text", "field", "old", "new", "reason")
    return {"at": rfc3339(entry.at), **{name: getattr(entry, name) for name in names}}
