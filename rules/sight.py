"""What somebody sees who is limited to some business services: the incidents that hit one of them, and their own."""

from collections.abc import Collection

from rules.incident import Incident
from rules.ownership import is_own
from rules.roster import Roster


def sees(incident: Incident, services: Collection[str], who: str, roster: Roster) -> bool:
    """Whether the incident may be shown to the user `who`; no `services` is no limit.

    An incident that hits one of theirs is seen whole, whatever else it hits: half of it would explain nothing.
    """
    return not services or any(hit.ci in services for hit in incident.services) or is_own(incident, who, roster)
