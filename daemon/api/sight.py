"""What a caller may see: everything, or what concerns the business services that they are limited to."""

from collections.abc import Mapping
from dataclasses import replace

from daemon.api.access import Caller
from daemon.api.ports import Ports
from daemon.store.rows import Search
from rules.incident import Incident
from rules.sight import sees


def may_see(ports: Ports, caller: Caller, incident: Incident) -> bool:
    """Whether the incident may be shown to the caller."""
    return sees(incident, caller.services, caller.name, ports.roster())


def within(caller: Caller, search: Search) -> Search:
    """The same search, for no more than the caller may see."""
    return replace(search, within=caller.services)


def only_seen(caller: Caller, incident: Incident) -> Incident:
    """The incident as if it hit no business services but those that the caller sees: for pages that are about these."""
    if not caller.services:
        return incident
    return replace(incident, services=tuple(hit for hit in incident.services if hit.ci in caller.services))


def seen_services(caller: Caller, names: Mapping[str, str]) -> dict[str, str]:
    """Those of the business services (id to name) that the caller may see."""
    return {ci: name for ci, name in names.items() if not caller.services or ci in caller.services}
