"""A change, for people."""

from dataclasses import dataclass

from notifiers.reader import Reader
from notifiers.views.discretion import Discretion
from notifiers.views.incident import MAX_EVIDENCE
from notifiers.views.services import ServiceGroup, more_words, service_groups, service_sentence
from notifiers.wording import console_link, one_line, web_link
from rules.document import NoticeContent

MAX_CIS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeView:
    """A change. `when` is its planned time and `lasts` how long that is; `hit` says in a sentence what it would do to
    business services (`services`), `sure` what that was worked out from. `plain_title` and `plain_when` are for those
    who know nothing of the infrastructure; the title is empty where it names a component. `page` is its page in the
    console, `link` where another system has it."""

    number: str
    title: str
    plain_title: str
    description: str
    status: str
    is_over: bool
    when: str
    plain_when: str
    lasts: str
    cis: str
    hit: str
    services: tuple[ServiceGroup, ...]
    risk: str
    together: tuple[str, ...]
    sure: str
    owners: str
    work: str
    link: str
    page: str


def change_view(content: NoticeContent, reader: Reader, link_base: str) -> ChangeView | None:
    """What people are shown of a change; None where the notice is about none."""
    change = content.change
    if change is None:
        return None
    risk, title = change.risk, one_line(change.title, 160)
    more = more_words(len(change.cis) - MAX_CIS, reader)
    services = service_groups(risk.services, reader)
    none = reader.gettext("No business service would notice")
    return ChangeView(
        number=one_line(change.number, 30),
        title=title,
        plain_title=Discretion(change.cis).kept(title),
        description=one_line(change.description, 500),
        status=one_line(change.status, 20).replace("_", " "),
        is_over=content.event in ("change_ended", "change_cancelled"),
        when=reader.gettext(
            "%(begin)s to %(end)s", begin=reader.moment(change.starts_at), end=reader.moment(change.ends_at)
        ),
        plain_when=reader.gettext(
            "%(begin)s to %(end)s",
            begin=reader.day_and_time(change.starts_at),
            end=reader.time(change.ends_at, change.starts_at),
        ),
        lasts=reader.lasted(change.starts_at, change.ends_at),
        cis=", ".join(one_line(ci, 120) for ci in change.cis[:MAX_CIS]) + (f" {more}" if more else ""),
        hit=service_sentence(services) or none,
        services=services,
        risk=one_line(f"{risk.level}: {risk.reason}", 300),
        together=tuple(one_line(line, 300) for line in risk.together[:MAX_EVIDENCE]),
        sure=one_line(risk.basis, 300),
        owners=one_line(", ".join(risk.owners), 300),
        work=one_line(change.assignee or change.group, 80) or reader.gettext("nobody is named"),
        link=web_link(change.url),
        page=console_link(link_base, "changes", change.number),
    )
