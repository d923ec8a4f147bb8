"""Registration templates: what an incident of a known kind is called, who gets it, and the steps that it takes.

Patterns know nothing but `{name}` for one of `PLACEHOLDERS`; `{{` and `}}` stand for braces.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from cmdb.graph import Estate
from rules.alert import Alert
from rules.incident import HandlingStep, Incident, Priority

PLACEHOLDERS = (
    "number",
    "ci",
    "ci_name",
    "ci_type",
    "service",
    "alert",
    "group",
    "priority",
    "reporter",
    "organisation",
)
_UNKNOWN = "unknown"
_PART = re.compile(r"\{\{|\}\}|\{([a-z_]*)\}|[{}]")
_MOST_NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """One kind of incident. It is chosen by rule where all of `ci_types` (of the CI that failed), `alerts` (names) and
    `services` (ids of business services that are hit) that hold anything fit; one without any is chosen by hand only.

    `title` and `text` are patterns. `priority` is the least that such an incident gets. `steps` are what handling
    requires; where `steps_required`, it is resolved only once they are done.
    """

    name: str
    title: str = ""
    text: str = ""
    category: str = ""
    priority: Priority | None = None
    group: str = ""
    steps: tuple[str, ...] = ()
    steps_required: bool = False
    ci_types: frozenset[str] = frozenset()
    alerts: frozenset[str] = frozenset()
    services: frozenset[str] = frozenset()

    @property
    def is_by_rule(self) -> bool:
        """Whether it is chosen without a person."""
        return bool(self.ci_types or self.alerts or self.services)

    def fits(self, ci_type: str, alerts: Iterable[str], services: Iterable[str]) -> bool:
        """Whether an incident of a CI of this type, with these alerts and services, is meant."""
        return (
            self.is_by_rule
            and (not self.ci_types or ci_type in self.ci_types)
            and (not self.alerts or not self.alerts.isdisjoint(alerts))
            and (not self.services or not self.services.isdisjoint(services))
        )


def wrong_pattern(pattern: str) -> str:
    """What is wrong with a pattern; empty where nothing is."""
    for found in _PART.finditer(pattern):
        if found[0] in ("{", "}"):
            return f"a lone {found[0]} means nothing; allowed: {{name}}, or {found[0] * 2} for the character itself"
        if found[1] is not None and found[1] not in PLACEHOLDERS:
            return f"there is no {found[0]}; allowed: {', '.join(f'{{{name}}}' for name in PLACEHOLDERS)}"
    return ""


def filled(pattern: str, values: Mapping[str, str]) -> str:
    """The pattern with its values; what is not known is called so."""
    return _PART.sub(lambda found: found[0][0] if found[1] is None else values.get(found[1]) or _UNKNOWN, pattern)


def values_of(estate: Estate, incident: Incident, alerts: Iterable[Alert]) -> dict[str, str]:
    """What the placeholders stand for in this incident."""
    ci = estate.get(incident.root.ci or "") or estate.get(incident.affected_ci or "")
    service = estate.get(incident.affected_service or "")
    hit = [s.name for s in sorted(incident.services, key=lambda s: (-s.state, s.name))]
    return {
        "number": incident.key,
        "ci": ci.id if ci is not None else incident.root.ci or "",
        "ci_name": ci.title if ci is not None else "",
        "ci_type": ci.type if ci is not None else "",
        "service": service.title if service is not None else ", ".join(hit[:_MOST_NAMED]),
        "alert": ", ".join(sorted({a.name for a in alerts})[:_MOST_NAMED]),
        "group": incident.group,
        "priority": str(incident.priority),
        "reporter": incident.contact.name or incident.registered_by,
        "organisation": incident.contact.organisation,
    }


def steps_from(template: Template, before: Iterable[HandlingStep]) -> tuple[HandlingStep, ...]:
    """The steps of a template; one that the incident had already stays done."""
    done = {step.text: step for step in before if step.is_done}
    return tuple(done.get(text) or HandlingStep(text=text) for text in template.steps)


def ticked(step: HandlingStep, by: str, at: datetime | None) -> HandlingStep:
    """The step, done by somebody then; None takes that back."""
    return HandlingStep(text=step.text, done_by=by, done_at=at)
