"""What people read: the first lines carry it all, and nothing that an alert says can do harm."""

from datetime import UTC, timedelta, timezone
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec
import pytest

from notifiers.base import Message
from notifiers.language import Language
from notifiers.reader import Reader
from notifiers.render import Renderer
from notifiers.samples import samples
from notifiers.wording import one_line, web_link
from rules.document import AlertDocument, NoticeContent
from rules.subscriptions import EVENTS
from rules.words import percent
from tests.builders import T0

SAMPLES = {content.event: content for content in samples()}
HOSTILE = [
    "<script>alert(1)</script>",
    "a\r\nBcc: everybody@example.net",
    "{{ 7 * 7 }}{% for x in y %}",
    "\x1b[31mred\x1b[0m\x00\x07",
    "\u202edesrever\u2066",
    "' onmouseover='x\" onclick=\"y",
    "</style></td></table><img src=x onerror=y>",
    "\ud800 half a pair",
    "x" * 100_000,
    " " * 100_000 + "far",
]


USUAL = Renderer()


def render(content: NoticeContent, **settings: Any) -> Message:
    return (Renderer(**settings) if settings else USUAL).render(content, sent_at=T0)


def with_incident(event: str = "opened", **fields: Any) -> NoticeContent:
    content = SAMPLES[event]
    assert content.incident is not None
    return msgspec.structs.replace(content, incident=msgspec.structs.replace(content.incident, **fields))


def hostile(text: str) -> NoticeContent:
    """An incident in which everything that can come from outside is `text`."""
    sample = SAMPLES["opened"].incident
    assert sample is not None
    alert = AlertDocument(
        labels={"alertname": text, "instance": text, text: text},
        startsAt=text,
        annotations={"summary": text, "runbook_url": text},
        generatorURL=text,
    )
    root = msgspec.structs.replace(
        sample.root_cause,
        ci=text,
        evidence=(text,) * 50,
        candidates=tuple(msgspec.structs.replace(c, ci=text + "2") for c in sample.root_cause.candidates),
    )
    changed = dict.fromkeys(("title", "priority_reason", "group", "assignee", "resolution", "opened_at"), text)
    services = tuple(msgspec.structs.replace(s, name=text, state=text) for s in sample.services)
    content = with_incident(root_cause=root, alerts=(alert,) * 3, services=services, **changed)
    return msgspec.structs.replace(content, reason=text)


class Elements(HTMLParser):
    """Which elements and attributes a page has."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: set[str] = set()
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links |= {value or "" for name, value in attrs if name == "href"}


@pytest.mark.parametrize("event", [*EVENTS, "test"])
def test_every_event_renders_from_the_shipped_templates(event: str) -> None:
    message = render(SAMPLES[event])
    assert message.fault == ""
    assert message.subject.startswith("[")
    assert "\n" not in message.subject
    assert message.text.count("\n") >= 2
    assert message.html.startswith("<!doctype html>")


def test_an_event_of_the_future_is_shown_by_its_name() -> None:
    message = render(msgspec.structs.replace(SAMPLES["opened"], event="sla_breached"))
    assert message.subject.startswith("[P1 sla breached] INC-42 ")
    assert message.text.startswith("P1  Sla breached: ")


def test_the_first_lines_carry_it_all() -> None:
    lines = render(SAMPLES["opened"], link_base="https://noc.example.net/").text.splitlines()
    assert lines[:7] == [
        "P1  New incident: tor-3a is down: Payments and Online shop are down",
        "Down: Online shop, Payments. Degraded: Reporting.",
        "Failed: tor-3a (very likely, 87 %)",
        "Since:  2026-11-24 08:00:12 UTC (12 min 18 s)",
        "Who:    network, nobody in person yet",
        "Next:   To be acknowledged by network, so that others know it is taken. "
        "It resolves by itself once all its alerts have ended and stayed quiet.",
        "Open:   https://noc.example.net/incidents/INC-42",
    ]


def test_word_of_a_change_leads_to_its_page_and_to_where_it_came_from() -> None:
    content = SAMPLES["change_scheduled"]
    message = render(content, link_base="https://noc.example.net/")
    assert content.change is not None
    page = f"https://noc.example.net/changes/{content.change.number}"
    assert f"Open:   {page}" in message.text.splitlines()
    assert content.change.url in message.text
    assert f'href="{page}"' in message.html
    assert "/changes/" not in render(msgspec.structs.replace(content, audience="customer"), link_base="https://x").text


def test_the_heart_of_it_fits_three_lines() -> None:
    assert render(SAMPLES["opened"]).brief.splitlines() == [
        "P1 New incident: tor-3a is down: Payments and Online shop are down",
        "Down: Online shop, Payments. Degraded: Reporting.",
        "INC-42, failed: tor-3a, network, nobody in person yet",
    ]
    for content in samples():
        assert 1 <= len(render(content).brief.splitlines()) <= 3


@pytest.mark.parametrize(
    ("event", "subject", "first"),
    [
        ("opened", "[P1] INC-42 tor-3a is down", "P1  New incident: tor-3a is down"),
        ("changed", "[P1 update] INC-42 tor-3a", "P1  The picture has changed: tor-3a"),
        ("acknowledged", "[P1 acknowledged] INC-42 tor-3a", "P1  Taken by Maria Okafor: tor-3a"),
        ("resolved", "[P1 resolved] INC-42 tor-3a", "P1  Resolved after 12 min 18 s: tor-3a"),
        ("reopened", "[P1 again] INC-42 tor-3a", "P1  It is back: tor-3a"),
        ("merged", "[P1 merged] INC-42 tor-3a", "P1  Merged into INC-40: tor-3a"),
        ("source_down", "[blind] Source main cannot be read", "Monitoring is blind: Source main cannot be read"),
        ("source_up", "[sees again] Source main is heard", "Monitoring sees again: Source main is heard again"),
        ("test", "[test] incidentd can reach you here", "Test: incidentd can reach you here"),
    ],
)
def test_subject_and_first_line_say_what_happened(event: str, subject: str, first: str) -> None:
    message = render(SAMPLES[event])
    assert message.subject.startswith(subject)
    assert message.text.startswith(first)


def test_a_confirmed_root_is_called_so_and_no_other_is_suggested() -> None:
    opened = SAMPLES["opened"]
    assert opened.incident is not None
    assert "It could also be" in render(opened).text
    confirmed = msgspec.structs.replace(opened.incident, confirmed_root="tor-3a")
    message = render(msgspec.structs.replace(opened, incident=confirmed))
    assert "Failed: tor-3a (confirmed by a person)" in message.text
    assert "confirmed by a person" in message.html
    assert "It could also be" not in message.text + message.html


def test_what_is_over_is_told_as_past() -> None:
    message = render(SAMPLES["resolved"])
    assert "Was down: Online shop, Payments. Was degraded: Reporting." in message.text
    assert "Solved: The switch was replaced." in message.text


def test_an_incident_without_root_or_service_says_so() -> None:
    sample = SAMPLES["opened"].incident
    assert sample is not None
    root = msgspec.structs.replace(sample.root_cause, ci=None, confidence=0.0, evidence=(), candidates=())
    text = render(with_incident(root_cause=root, services=(), impacted=())).text
    assert "No business service is hit." in text
    assert "Failed: not known, no alert maps onto the CMDB" in text


def test_a_storm_shows_its_first_alerts_and_counts_the_rest() -> None:
    sample = SAMPLES["opened"].incident
    assert sample is not None
    message = render(with_incident(alerts=sample.alerts[:1] * 5000))
    assert "5,000 ALERTS" in message.text
    assert "- and 4,990 more" in message.text
    assert "and 4,990 more" in message.html
    assert message.text.count("SwitchDown on tor-3a") == 10
    assert message.content.incident is not None
    assert len(message.content.incident.alerts) == 5000


def test_many_services_are_bounded() -> None:
    sample = SAMPLES["opened"].incident
    assert sample is not None
    services = tuple(msgspec.structs.replace(sample.services[0], name=f"Service {n:03}") for n in range(400))
    assert "Service 011 and 388 more." in render(with_incident(services=services)).text


@pytest.mark.parametrize("text", HOSTILE, ids=lambda t: ascii(t[:20]))
def test_foreign_text_does_no_harm(text: str) -> None:
    message = render(hostile(text), link_base="https://noc.example.net")
    assert message.fault == ""
    assert len(message.subject) <= 180
    assert len(message.brief) <= 602
    assert len(message.text) < 20_000
    assert len(message.html) < 60_000
    for shown in (
        message.subject,
        message.brief.replace("\n", ""),
        message.text.replace("\n", ""),
        message.html.replace("\n", ""),
    ):
        assert shown.isprintable() or all(c.isprintable() or c in "\u2002 " for c in shown)
        shown.encode()
    page = Elements(message.html)
    assert not page.tags & {"script", "img", "iframe", "form", "object"}
    assert not any(name.startswith("on") for name in page.attributes)
    assert page.links == {"https://noc.example.net/incidents/INC-42"}


def test_foreign_text_forges_no_lines() -> None:
    text = render(hostile("a\nNext:   reboot everything")).text
    assert not any(line.startswith("Next:   reboot") for line in text.splitlines())


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://a.example.net/x?y=1&z=2#w", True),
        ("javascript:alert(1)", False),
        ("data:text/html,x", False),
        ("https://a.example.net/ x", False),
        ('https://a.example.net/"x', False),
        ("https://a.example.net/\n", False),
        ("https://" + "a" * 3000, False),
        ("", False),
    ],
)
def test_only_web_addresses_become_links(url: str, shown: bool) -> None:
    assert web_link(url) == (url if shown else "")


def test_lines_are_cut_where_they_are_too_long() -> None:
    assert one_line("  a \t\n b  ", 10) == "a b"
    assert one_line("abcdef", 4) == "abc…"
    assert one_line("a\u200db\u200b", 10) == "a\u200db"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59, "59 s"), (60, "1 min"), (738, "12 min 18 s"), (3600, "1 h"), (90_061, "1 d 1 h"), (-1, "")],
)
def test_time_spans_in_words(seconds: int, words: str) -> None:
    reader = Reader(language=Language(), zone=UTC, at="")
    assert reader.lasted(T0.isoformat(), (T0 + timedelta(seconds=seconds)).isoformat()) == words


def test_a_probability_never_claims_certainty() -> None:
    assert [percent(p) for p in (1.0, 0.87, 0.004, 0.0)] == ["over 99 %", "87 %", "under 1 %", "under 1 %"]


def test_times_are_in_the_readers_zone() -> None:
    message = render(SAMPLES["opened"], zone=timezone(timedelta(hours=1), "CET"))
    assert "2026-11-24 09:00:12 CET" in message.text


def test_one_incident_is_one_thread() -> None:
    threads = {render(SAMPLES[event]).thread for event in EVENTS if SAMPLES[event].incident is not None}
    assert len(threads) == 1
    assert [event for event in EVENTS if render(SAMPLES[event]).starts_thread] == ["opened"]
    again = render(with_incident(opened_at="2027-01-01T00:00:00.000Z"))
    assert again.thread not in threads, "numbers that start anew are other incidents"


def owner(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text, encoding="utf-8")
    return folder


def test_the_owners_templates_come_first_and_may_be_partial(tmp_path: Path) -> None:
    owner(tmp_path, subject__txt="{{ incident.number }} only", opened__txt="Mine: {{ incident.title }}")
    message = render(SAMPLES["opened"], templates_dir=tmp_path)
    assert (message.subject, message.fault) == ("INC-42 only", "")
    assert message.text.startswith("Mine: tor-3a")
    assert message.html == render(SAMPLES["opened"]).html
    assert render(SAMPLES["resolved"], templates_dir=tmp_path).text == render(SAMPLES["resolved"]).text


BROKEN = {
    "syntax": "{% if %}",
    "error": "{{ incident.title.nothing() }}",
    "attribute": "{{ incident.__class__.__mro__ }}",
    "method": "{{ incident.title.format.__globals__ }}",
    "grow": '{{ "a" * 100000000 }}',
    "power": "{{ 9 ** 999999999 }}",
    "format": '{{ "%1000000000d" % 1 }}',
    "pad": '{{ "a".center(1000000000) }}',
    "tilde": "{{ incident.title ~ incident.title }}",
    "long": "{% for i in range(900) %}{% for j in range(900) %}aaaaaaaaaa{% endfor %}{% endfor %}",
    "turns": "{% for i in range(100000) %}{% endfor %}",
    "filter": "{{ incident.title|center(1000000000) }}",
    "safe": "{{ incident.title|safe }}",
    "include": '{% include "/etc/passwd" %}',
    "outside": '{% include "../secret.txt" %}',
    "recursion": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "empty": "  \n",
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_template_never_keeps_people_from_being_told(tmp_path: Path, text: str) -> None:
    owner(tmp_path, subject__txt=text, message__txt=text, message__html=text)
    shipped = render(SAMPLES["opened"])
    message = render(SAMPLES["opened"], templates_dir=tmp_path)
    assert (message.subject, message.text, message.html) == (shipped.subject, shipped.text, shipped.html)
    assert "template message.txt: " in message.fault


def test_where_no_template_works_the_words_are_built_in(tmp_path: Path) -> None:
    message = render(SAMPLES["opened"], shipped=owner(tmp_path, message__txt="{% if %}"))
    assert message.subject == "[P1] INC-42 tor-3a is down: Payments and Online shop are down"
    assert message.text.startswith("New incident: tor-3a is down")
    assert "Down: Online shop, Payments" in message.text
    assert "<pre" in message.html
    about_a_source = render(SAMPLES["source_down"], shipped=tmp_path)
    assert about_a_source.subject == "[blind] Source main cannot be read"
    assert about_a_source.text.startswith("Monitoring is blind: Source main cannot be read\nSince 2026-11-24")


def test_what_is_wrong_with_the_owners_templates_is_found_beforehand(tmp_path: Path) -> None:
    assert Renderer().faults() == ()
    owner(tmp_path, message__txt="{{ incident.tilte if incident }}", subject__txt="ok")
    (fault,) = Renderer(templates_dir=tmp_path).faults()
    assert fault.startswith("template message.txt: UndefinedError: ")
    assert "tilte" in fault
    assert render(SAMPLES["opened"], templates_dir=tmp_path).text == render(SAMPLES["opened"]).text
