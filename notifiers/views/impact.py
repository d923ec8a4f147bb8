"""What an incident does to the business, for managers and customers who know nothing of the infrastructure.

Nothing here names a host, a component or an alert; what people have written is left out where it does.
"""

from dataclasses import dataclass
from datetime import timedelta

from notifiers.language import marked
from notifiers.reader import Reader, between
from notifiers.views.discretion import discretion
from notifiers.views.incident import MAX_KNOWN_ERRORS, assignee_of, end_of, incident_link, is_over
from notifiers.views.promises import PromiseLine, promise_lines
from notifiers.views.services import ServiceGroup, named, service_groups
from notifiers.wording import one_line
from rules.document import IncidentDocument, NoticeContent
from rules.incident_shapes import ServiceDocument

_PRIORITIES = {
    "P1": marked("Critical"),
    "P2": marked("High"),
    "P3": marked("Medium"),
    "P4": marked("Low"),
    "P5": marked("Minor"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ImpactView:
    """How the business is hit. `title` says it in one line, made of services; `worst` is the worst state, empty where
    no service is hit.

    `work` says what is done and by whom, `public_work` the same without names. `next_word` says when the reader hears
    again. `own_title` is what the reporter called it, `resolution` what solved it; both are for the reporter only.
    """

    number: str
    title: str
    own_title: str
    priority: str
    worst: str
    is_over: bool
    is_solved: bool
    services: tuple[ServiceGroup, ...]
    users: str
    since: str
    lasted: str
    work: str
    public_work: str
    is_known: bool
    workarounds: tuple[str, ...]
    promises: tuple[PromiseLine, ...]
    next_word: str
    resolution: str
    merged_into: str
    assignee: str
    group: str
    link: str


def impact_view(content: NoticeContent, incident: IncidentDocument, reader: Reader, link_base: str) -> ImpactView:
    """What managers and customers are shown of an incident, as of the moment of the notice."""
    solved = incident.status in ("resolved", "closed")
    groups = service_groups(incident.services, reader, is_over=solved)
    inside = discretion(incident)
    workarounds = (inside.kept(one_line(e.workaround, 500)) for e in incident.known_errors[:MAX_KNOWN_ERRORS])
    return ImpactView(
        number=one_line(incident.number, 30),
        title=services_title(incident.services, reader, is_solved=solved),
        own_title=inside.kept(one_line(incident.title, 160)) if incident.source != "event" else "",
        priority=priority_words(incident.priority, reader),
        worst=groups[0].state if groups else "",
        is_over=is_over(incident),
        is_solved=solved,
        services=groups,
        users=_users(incident, reader),
        since=reader.day_and_time(incident.opened_at),
        lasted=_lasted(content, incident, reader),
        work=_work(content, incident, reader),
        public_work=_public_work(incident, reader),
        is_known=bool(incident.known_errors),
        workarounds=tuple(filter(None, workarounds)),
        promises=() if incident.status in ("merged", "converted") else _promises(incident, reader),
        next_word=_next_word(content, incident, reader),
        resolution=inside.kept(one_line(incident.resolution, 500)),
        merged_into=one_line(incident.merged_into or "", 30),
        assignee=assignee_of(content, incident),
        group=one_line(incident.group, 80),
        link=incident_link(link_base, incident.number),
    )


def priority_words(priority: str, reader: Reader) -> str:
    """How urgent it is, in a word."""
    plain = one_line(priority, 10)
    return reader.gettext(_PRIORITIES[plain]) if plain in _PRIORITIES else plain


def services_title(services: tuple[ServiceDocument, ...], reader: Reader, *, is_solved: bool = False) -> str:
    """One line that says what the business feels: the services in the worst state, and that."""
    groups = service_groups(services, reader)
    if not groups:
        if is_solved:
            return reader.gettext("A fault that no service noticed is mended")
        return reader.gettext("A fault that no service notices so far")
    worst = groups[0]
    values = {"services": named(worst, reader), "state": worst.word}
    if is_solved:
        return _solved_title(worst, values, reader)
    if worst.state == "down":
        return reader.ngettext("%(services)s is down", "%(services)s are down", worst.count, **values)
    if worst.state == "degraded":
        return reader.ngettext("%(services)s is degraded", "%(services)s are degraded", worst.count, **values)
    if worst.state == "at risk":
        return reader.ngettext("%(services)s is at risk", "%(services)s are at risk", worst.count, **values)
    return f"{values['services']}: {worst.word}"


def _solved_title(worst: ServiceGroup, values: dict[str, str], reader: Reader) -> str:
    if worst.state == "at risk":
        return reader.ngettext(
            "%(services)s is no longer at risk", "%(services)s are no longer at risk", worst.count, **values
        )
    return reader.ngettext("%(services)s works again", "%(services)s work again", worst.count, **values)


def _lasted(content: NoticeContent, incident: IncidentDocument, reader: Reader) -> str:
    length = between(incident.opened_at, end_of(content, incident))
    return reader.about(length) if length is not None and length >= timedelta() else ""


def _users(incident: IncidentDocument, reader: Reader) -> str:
    if not incident.users:
        return ""
    return reader.ngettext("%(num)s user affected", "%(num)s users affected", incident.users)


def _work(content: NoticeContent, incident: IncidentDocument, reader: Reader) -> str:
    group, person = one_line(incident.group, 80), assignee_of(content, incident)
    who = f"{person} ({group})" if person and group else person or group
    if is_over(incident):
        if incident.status in ("merged", "converted") or not who:
            return _public_work(incident, reader)
        return reader.gettext("Solved by %(who)s.", who=who)
    if incident.status == "on_hold":
        return _public_work(incident, reader)
    if person or (incident.acknowledged_at and group):
        return reader.gettext("%(who)s is working on it.", who=who)
    if incident.acknowledged_at:
        return _public_work(incident, reader)
    if group:
        return reader.gettext("The team %(group)s has been told; nobody has taken it yet.", group=group)
    return reader.gettext("Nobody has taken it yet.")


def _public_work(incident: IncidentDocument, reader: Reader) -> str:
    if incident.status == "merged":
        return reader.gettext("It is worked on together with another fault.")
    if incident.status == "converted":
        return reader.gettext("It is handled as a request.")
    if is_over(incident):
        return reader.gettext("It is solved.")
    if incident.status == "on_hold":
        return reader.gettext("The work waits for something at the moment.")
    if incident.acknowledged_at or incident.assignee:
        return reader.gettext("Our specialists are working on it.")
    return reader.gettext("Our specialists have been told.")


def _promises(incident: IncidentDocument, reader: Reader) -> tuple[PromiseLine, ...]:
    """What was promised to the customer; what teams promise each other is their own affair."""
    return tuple(line for line in promise_lines(incident.clocks, reader) if line.agreement == "SLA")


def _next_word(content: NoticeContent, incident: IncidentDocument, reader: Reader) -> str:
    if incident.status in ("merged", "converted"):
        return ""
    if is_over(incident):
        return reader.gettext("Only if it comes back.")
    if content.next_word_at:
        by = reader.time(content.next_word_at)
        return reader.gettext("By %(time)s at the latest, and at once when it is solved.", time=by)
    return reader.gettext("When something changes, and when it is solved.")
