"""How the part of an incident looks that people keep: the report, the steps, its end, and how content people were."""

from collections.abc import Iterator, Sequence

from daemon.cli.out import heading, instant, item, safe, say
from rules.incident import Incident
from rules.satisfaction import Rating


def show_record(incident: Incident, ratings: Sequence[Rating]) -> None:
    """Print what is on record beside the diagnosis; nothing where there is nothing."""
    lines = list(_report(incident))
    if lines:
        heading("Report")
        for line in lines:
            say(item(safe(line, 4500)))
    if incident.steps:
        required = ", required before it is resolved" if incident.steps_required else ""
        heading(safe(f"Steps of {incident.template}{required}"))
        for number, step in enumerate(incident.steps, start=1):
            done = f" – {step.done_by}, {instant(step.done_at)}" if step.is_done else ""
            say(item(safe(f"{number}. {step.text}{done}", 400), "✓" if step.is_done else "○"))
    if ratings:
        heading("How content people were")
        for rating in ratings:
            said = f": {rating.remark}" if rating.remark else ""
            say(item(safe(f"{rating.score} of 5 by {rating.by}{said}", 1200)))


def resolved_words(incident: Incident) -> str:
    """How it ended, in one line."""
    code = f"{incident.resolution_code}, " if incident.resolution_code else ""
    by = f" by {incident.resolved_by}" if incident.resolved_by else ""
    back = f"; the service was back at {instant(incident.restored_at)}" if incident.restored_at else ""
    how = f", {incident.restoration}" if incident.restoration else ""
    return f"resolved{by}: {code}{incident.resolution}{back}{how}"


def _report(incident: Incident) -> Iterator[str]:
    if incident.is_by_hand:
        yield f"registered by {incident.registered_by}: reported by {incident.source}, {incident.channel}"
    contact = incident.contact
    reach = [part for part in (contact.name, contact.organisation, contact.mail, contact.phone) if part]
    if reach:
        yield f"contact: {', '.join(reach)}"
    affected = [f"{what} {name}" for what, name in _affected(incident) if name]
    if affected:
        yield f"affected: {', '.join(affected)} ({incident.disruption.word})"
    if incident.category:
        yield f"category: {incident.category}"
    for word, at in (("observed", incident.observed_at), ("detected", incident.detected_at)):
        if at is not None:
            yield f"{word} at {instant(at)}"
    if incident.description:
        yield incident.description
    for kind, found in (("sign", incident.signs), ("finding", incident.findings)):
        yield from (f"{kind} {f.name}: {f.value}" for f in found)


def _affected(incident: Incident) -> tuple[tuple[str, str | None], ...]:
    return ("CI", incident.affected_ci), ("service", incident.affected_service)
