"""Whatever an incident is like, managers and customers read nothing of the inside."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from cmdb.graph import Estate
from cmdb.model import BUSINESS_SERVICE, CI
from notifiers.base import Message
from notifiers.catalogue import shipped_languages
from notifiers.drawing.illustration import sketched
from notifiers.drawing.svg import svg_of
from notifiers.page import AUDIENCES
from notifiers.render import Renderer
from notifiers.samples import SAMPLED, samples
from rules.document import AlertDocument, IncidentDocument, NoticeContent, SummaryDocument, SummaryItem
from rules.incident import Status
from rules.incident_shapes import CandidateDocument, KnownErrorDocument, RootDocument, ServiceDocument
from rules.record_shapes import StepDocument, SuspectDocument
from tests.builders import T0
from tests.desk import needs

SAMPLES = {content.event: content for content in samples()}
EVENTS = [event for event in SAMPLED if SAMPLES[event].incident is not None]
RENDERER = Renderer(link_base="https://noc.example.net")
# No page and no catalogue has a word like these.
IDS = st.from_regex(r"q[a-z]{2,6}-[0-9]{2,4}", fullmatch=True)
PROSE = st.sampled_from(("restart {}", "{} is at fault", "see {}.dc1.example", "Because of {}: wait", "wait", "{}"))
STATES = st.sampled_from(("down", "degraded", "at risk"))
SERVICES = st.lists(
    st.builds(ServiceDocument, id=st.sampled_from("abcdef"), name=st.sampled_from(("Shop", "Pay", "")), state=STATES),
    max_size=5,
).map(tuple)


@st.composite
def incidents(draw: st.DrawFn) -> tuple[IncidentDocument, frozenset[str]]:
    """An incident in which every text that may name components does, and their names."""
    ids = draw(st.lists(IDS, min_size=1, max_size=6, unique=True))
    one, text = st.sampled_from(ids), st.builds(lambda words, ci: words.format(ci), PROSE, st.sampled_from(ids))
    alerts = st.lists(
        st.builds(
            lambda ci, host, said: AlertDocument(
                labels={"alertname": f"{host}Down", "instance": f"{host}.dc1.example:9100"},
                startsAt="2026-11-24T08:00:00.000Z",
                ci=ci,
                annotations={"summary": said, "runbook_url": f"https://wiki/{host}"},
                generatorURL=f"https://prometheus/graph?g0.expr={host}",
            ),
            st.none() | one,
            one,
            text,
        ),
        max_size=4,
    )
    sample = SAMPLES["update"].incident
    assert sample is not None
    known = KnownErrorDocument(problem="PRB-1", title=draw(text), workaround=draw(text), why=draw(text))
    suspect = SuspectDocument(change=None, what=draw(text), when="now", ci=draw(one), hops=1, where=draw(text))
    candidate = CandidateDocument(ci=draw(one), confidence=0.3, evidence=(draw(text),))
    root = RootDocument(
        ci=draw(st.none() | one), confidence=0.6, evidence=(draw(text), draw(text)), candidates=(candidate,)
    )
    changed = {
        "title": draw(text),
        "status": str(draw(st.sampled_from(Status))),
        "priority_reason": draw(text),
        "resolution": draw(text),
        "hold_reason": draw(text),
        "description": draw(text),
        "source": draw(st.sampled_from(("event", "person"))),
        "assignee": draw(st.sampled_from(("", "Maria Okafor"))),
        "root_cause": root,
        "confirmed_root": draw(st.none() | one),
        "affected_ci": draw(st.none() | one),
        "impacted": tuple(ids),
        "services": draw(SERVICES),
        "alerts": tuple(draw(alerts)),
        "known_errors": (known,),
        "suspects": (suspect,),
        "steps": (StepDocument(number=1, text=draw(text), done_by="", done_at=None),),
    }
    return msgspec.structs.replace(sample, **changed), frozenset(ids)


def leaks(message: Message, ids: frozenset[str]) -> list[str]:
    shown = "\n".join((message.subject, message.brief, message.text, message.html)).casefold()
    return sorted(ci for ci in ids if ci in shown)


audiences = st.sampled_from([audience for audience in AUDIENCES if audience != "operator"])
languages = st.sampled_from(("en", "ru"))


@given(incidents(), st.sampled_from(EVENTS), audiences, languages)
def test_no_component_is_named_to_those_who_do_not_know_it(
    made: tuple[IncidentDocument, frozenset[str]], event: str, audience: str, language: str
) -> None:
    incident, ids = made
    told = {"incident": incident, "reason": incident.priority_reason, "why": (incident.title,)}
    content = msgspec.structs.replace(SAMPLES[event], audience=audience, language=language, **told)
    message = RENDERER.render(content, sent_at=T0)
    assert message.fault == ""
    assert leaks(message, ids) == []


@given(incidents(), st.sampled_from(("manager", "customer")), languages)
def test_nor_in_a_picture(made: tuple[IncidentDocument, frozenset[str]], audience: str, language: str) -> None:
    incident, ids = made
    cis = [CI(id=ci, type=ci, name=f"{ci} in words", aliases=(f"{ci}.dc1.example",)) for ci in sorted(ids)]
    services = [CI(id=s, type=BUSINESS_SERVICE, depends_on=(needs(cis[0].id),)) for s in "abcdef"]
    content = msgspec.structs.replace(SAMPLES["opened"], incident=incident, audience=audience, root_name=cis[0].title)
    found = sketched(content, Estate.of([*cis, *services]), shipped_languages().of(language))
    assert (found is None) is (audience == "customer" or not incident.services)
    if found is not None:
        shown = (svg_of(found[0]) + found[1]).casefold()
        assert [ci for ci in sorted(ids) if ci in shown] == []


@given(st.lists(incidents(), min_size=1, max_size=4), audiences, languages)
def test_nor_in_a_summary(made: list[tuple[IncidentDocument, frozenset[str]]], audience: str, language: str) -> None:
    items = tuple(map(_item, (incident for incident, _ in made)))
    summary = SummaryDocument(
        kind="digest",
        since="2026-11-24T08:00:00.000Z",
        total=len(items),
        open=len(items),
        priorities={"P1": len(items)},
        services=items[0].services,
        items=items,
    )
    content = NoticeContent(
        event="summary",
        reason=items[0].reason,
        at="2026-11-24T08:00:00.000Z",
        idempotency_key="k",
        summary=summary,
        audience=audience,
        language=language,
        why=(items[0].title,),
    )
    message = RENDERER.render(content, sent_at=T0)
    assert message.fault == ""
    assert leaks(message, frozenset[str]().union(*(ids for _, ids in made))) == []


def _item(incident: IncidentDocument) -> SummaryItem:
    return SummaryItem(
        number=incident.number,
        event="opened",
        reason=incident.priority_reason,
        title=incident.title,
        status=incident.status,
        priority=incident.priority,
        opened_at=incident.opened_at,
        resolved_at=None,
        root=incident.root_cause.ci,
        services=incident.services,
        group=incident.group,
        assignee=incident.assignee,
    )
