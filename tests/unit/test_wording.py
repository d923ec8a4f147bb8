"""Two languages, in both senses: what operators, managers and customers read, and in which tongue."""

import json
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import msgspec
import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from daemon.cli.main import app
from notifiers.base import Action, Extras, Message
from notifiers.catalogue import SHIPPED_LOCALES, read_languages, shipped_languages
from notifiers.chat_text import facts_of
from notifiers.language import placeholders
from notifiers.page import AUDIENCES
from notifiers.render import Renderer
from notifiers.samples import SAMPLED, samples
from notifiers.views.links import LinkTemplate, Span, at_its_time
from rules.document import IncidentDocument, NoticeContent
from rules.incident_shapes import KnownErrorDocument
from rules.interest import WATCHING, why_words
from rules.subscriptions import Subscription
from tests.builders import T0, at
from tests.cli_site import Site, site

__all__ = ["site"]

ROOT = Path(__file__).parents[2]
SAMPLES = {content.event: content for content in samples()}
USUAL = Renderer()
INNER = ("tor-3a", "pay-db", "pdu-3", "core-1", "SwitchDown", "NodeDown", "prometheus", "san-2", "lb-1")


def render(event: str, audience: str = "operator", language: str = "", **fields: Any) -> Message:
    content = msgspec.structs.replace(SAMPLES[event], audience=audience, language=language, **fields)
    return USUAL.render(content, sent_at=T0)


def incident(event: str = "opened", **fields: Any) -> IncidentDocument:
    found = SAMPLES[event].incident
    assert found is not None
    return msgspec.structs.replace(found, **fields)


def all_of(message: Message) -> str:
    return "\n".join((message.subject, message.brief, message.text, message.html))


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize("audience", AUDIENCES)
@pytest.mark.parametrize("event", [*SAMPLED, "test"])
def test_every_event_is_worded_for_everybody(event: str, audience: str, language: str) -> None:
    message = render(event, audience, language)
    assert message.fault == ""
    assert message.subject.startswith("[")
    assert "%(" not in all_of(message)
    assert 1 <= len(message.brief.splitlines()) <= 3
    assert f'<html lang="{language}">' in message.html
    if audience != "operator":
        assert not [name for name in INNER if name in all_of(message)]


def test_a_manager_reads_what_is_hit_who_works_on_it_and_when_the_next_word_comes() -> None:
    message = render("update", "manager", incident=incident("update", assignee="Maria Okafor"))
    assert message.subject == "[Update] Online shop and Payments are down (INC-42)"
    assert message.text.splitlines()[:10] == [
        "Critical. It is still being worked on: Online shop and Payments are down",
        "down:         Online shop, Payments (not working)",
        "degraded:     Reporting (working, but slowly or with errors)",
        "Users:        250 users affected",
        "Since:        Tue 24 Nov, 08:00 UTC (12 min)",
        "What is done: Maria Okafor (network) is working on it.",
        "Promised:     solved by 12:00 UTC, 3 h 47 min left",
        "Promised:     somebody takes it by 08:15 UTC, 2 min left",
        "What helps:   Pay by invoice: the order form has a box for it.",
        "Next word:    By 08:42 UTC at the latest, and at once when it is solved.",
    ]


def test_people_and_components_are_called_by_their_names() -> None:
    held = incident("acknowledged", assignee="maria")
    fields = {"incident": held, "names": {"maria": "Maria Okafor"}, "root_name": "Switch of rack 3, tor switch"}
    operator = render("acknowledged", **fields)
    assert "Failed: tor-3a, Switch of rack 3, tor switch (very likely, 87 %)\n" in operator.text
    assert "Who:    Maria Okafor (network)\n" in operator.text
    manager = render("acknowledged", "manager", **fields)
    assert "What is done: Maria Okafor (network) is working on it.\n" in manager.text
    assert "Switch of rack 3" not in all_of(manager)


@pytest.mark.parametrize("audience", AUDIENCES)
def test_chats_show_the_heart_of_it_and_say_nothing_twice(audience: str) -> None:
    action = Action(verb="acknowledge", label="Acknowledge", url="https://noc.example.net/a/1", token="t")
    content = msgspec.structs.replace(SAMPLES["update"], audience=audience)
    message = USUAL.render(content, sent_at=T0, extras=Extras(actions=(action,)))
    facts = facts_of(message)
    assert len(facts.splitlines()) >= 4
    assert "are down" not in facts.casefold(), "the headline says it"
    assert action.url not in facts, "there is a button for it"


def test_a_broken_promise_is_said_plainly() -> None:
    message = render("resolution_breached", "manager")
    assert "Promised:     was to be solved by 08:10 UTC, 2 min overdue\n" in message.text
    assert '<strong class="bad"' in message.html


def test_what_is_solved_works_again() -> None:
    message = render("resolved", "manager")
    assert message.subject == "[Solved] Online shop and Payments work again (INC-42)"
    assert "was down:     Online shop, Payments\n" in message.text
    merged = render("merged", "manager")
    assert "work again" not in all_of(merged), "what goes on elsewhere is not solved"


@pytest.mark.parametrize(
    ("states", "title"),
    [
        (("down",), "A is down"),
        (("down", "down", "degraded"), "A and B are down"),
        (("down",) * 3, "A, B and C are down"),
        (("down",) * 5, "A, B and 3 more services are down"),
        (("degraded", "at risk"), "A is degraded"),
        (("at risk",), "A is at risk"),
        ((), "A fault that no service notices so far"),
    ],
)
def test_titles_for_managers_are_made_of_services(states: tuple[str, ...], title: str) -> None:
    (sample, *_) = incident().services
    services = tuple(msgspec.structs.replace(sample, name="ABCDE"[n], state=s) for n, s in enumerate(states))
    assert f"] {title} (INC-42)" in render("opened", "manager", incident=incident(services=services)).subject


def test_managers_see_components_only_where_the_owner_wants_it() -> None:
    content = msgspec.structs.replace(SAMPLES["opened"], audience="manager")
    message = Renderer(managers_see_cis=True).render(content, sent_at=T0)
    assert "Component:    tor-3a (very likely, 87 %)\n" in message.text
    customer = msgspec.structs.replace(content, audience="customer")
    assert "tor-3a" not in all_of(Renderer(managers_see_cis=True).render(customer, sent_at=T0))


def test_a_workaround_that_names_a_component_is_for_operators_only() -> None:
    known = KnownErrorDocument(problem="PRB-1", title="x", workaround="Power cycle TOR-3A.", why="its root")
    hidden = incident(known_errors=(known,))
    assert "Power cycle" in render("opened", incident=hidden).text
    text = render("opened", "manager", incident=hidden).text
    assert "Power cycle" not in text
    assert "What helps:   The fault is known, and the team has a workaround.\n" in text


def test_customers_are_told_no_names_of_people() -> None:
    message = render("acknowledged", "customer")
    assert "Okafor" not in all_of(message)
    assert "What is done: Our specialists are working on it.\n" in message.text
    assert "Promised" not in all_of(render("resolution_breached", "customer"))


def test_the_reporter_reads_their_own_words_and_nothing_of_the_inside() -> None:
    (content,) = [c for c in samples() if c.recipient is not None]
    named = msgspec.structs.replace(content, incident=incident("resolved", title="I cannot pay", source="person"))
    message = USUAL.render(named, sent_at=T0)
    assert message.subject == "[Solved] Your report INC-42: I cannot pay"
    assert not [name for name in INNER if name in all_of(message)]
    assert "https://incidents.example.net/rate/sample" in message.text
    assert "https://incidents.example.net/rate/sample" in message.html


def test_a_summary_says_first_how_many_and_how_bad() -> None:
    message = render("summary")
    assert message.subject == "[summary] 14 incidents, 13 still open – 1 P1, 1 P2, 11 P3"
    lines = message.text.splitlines()
    assert lines[1] == "Down: Online shop, Payments. Degraded: Reporting."
    assert lines.index("- P1: tor-3a failed: Payments and Online shop down") < lines.index("- and 11 more")
    plain = render("summary", "manager")
    assert plain.subject == "[Summary] Online shop and Payments are down (14 incidents, 13 still open)"
    assert "- High: Reporting is degraded\n" in plain.text


def test_why_somebody_gets_it_stands_at_the_foot() -> None:
    subscribed, called = why_words(Subscription(to="noc", name="shop")), "on call in schedule network"
    message = render("opened", why=(subscribed, called))
    words = "Why you get this: the subscription “shop” asks for it; on call in schedule network"
    assert message.text.endswith(f"\n{words}\n")
    assert words in message.html
    manager = render("opened", "manager", "ru", why=(subscribed, called, WATCHING))
    words = "так настроена подписка “shop”; вы среди тех, кого вызывают; вы за ним следите"
    assert f"Почему вы это получили: {words}\n" in manager.text


def test_buttons_are_links_in_the_page_and_lines_in_the_text() -> None:
    action = Action(verb="acknowledge", label="Take it", url="https://noc.example.net/a/1", token="t")
    bad = Action(verb="note", label="<b>", url="javascript:alert(1)", token="t")
    message = USUAL.render(SAMPLES["opened"], sent_at=T0, extras=Extras(actions=(action, bad)))
    assert "\nTake it: https://noc.example.net/a/1\n" in message.text
    assert 'href="https://noc.example.net/a/1"' in message.html
    assert "javascript" not in message.html
    known = Action(verb="acknowledge", label="Acknowledge", url="https://noc.example.net/a/1", token="t")
    russian = msgspec.structs.replace(SAMPLES["opened"], language="ru")
    message = USUAL.render(russian, sent_at=T0, extras=Extras(actions=(known,)))
    assert message.actions[0].label == "Подтвердить"
    assert "\nПодтвердить: https://noc.example.net/a/1\n" in message.text


def test_first_checks_are_the_look_that_decides_the_steps_and_the_runbooks() -> None:
    root = incident().root_cause
    doubt = "to tell them apart: check pdu-3; if it works, it is tor-3a"
    told = incident("update", root_cause=msgspec.structs.replace(root, evidence=(*root.evidence, doubt)))
    lines = render("update", incident=told).text.split("FIRST CHECKS\n")[1].splitlines()
    assert lines[:4] == [
        "- check pdu-3; if it works, it is tor-3a",
        "✓ Look at the switch's serial console (maria)",
        "2 Switch it off and on",
        "- Runbook SwitchDown: https://wiki.example.net/runbooks/SwitchDown",
    ]
    assert doubt not in all_of(render("update", incident=told))


def test_links_open_at_the_time_around_the_start() -> None:
    grafana = LinkTemplate(name="Dashboard", url="https://g.example.net/d/x?from={from_ms}&to={to_ms}&var-ci={ci}")
    gone = LinkTemplate(name="Gone", url="https://g.example.net/{group}")
    content = msgspec.structs.replace(SAMPLES["opened"], incident=incident(group=""))
    text = Renderer(links=(grafana, gone)).render(content, sent_at=T0).text
    began = 1795507212000
    half = 30 * 60 * 1000
    assert f"\nDashboard: https://g.example.net/d/x?from={began - half}&to={began + half}&var-ci=tor-3a\n" in text
    assert "Gone" not in text


@pytest.mark.parametrize(
    ("url", "link"),
    [
        (
            "http://p:9090/graph?g0.expr=up%3D%3D0&g0.tab=1&g0.range_input=2w",
            "http://p:9090/graph?g0.expr=up%3D%3D0&g0.tab=0&g0.range_input=60m&g0.end_input=2026-11-24%2009%3A00%3A00",
        ),
        ("http://p:9090/alerts", "http://p:9090/alerts"),
        ("https://g/d/x?orgId=1", "https://g/d/x?orgId=1"),
        ("http://[broken/graph?g0.expr=up", ""),
        ("javascript:alert(1)", ""),
    ],
)
def test_a_graph_of_prometheus_is_opened_at_its_time(url: str, link: str) -> None:
    assert at_its_time(url, Span(start=at(0), end=at(3600))) == link


def extracted(folder: Path) -> Catalog:
    """Every message that code and templates have, as `make words` finds them."""
    pot = folder / "messages.pot"
    words = ["-q", "extract", "-F", "pyproject.toml", "-k", "marked", "-o", str(pot), "."]
    subprocess.run([sys.executable, "-m", "babel.messages.frontend", *words], cwd=ROOT, check=True, timeout=120)
    return read_po(BytesIO(pot.read_bytes()))


def forms(text: object) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text or ())  # type: ignore[arg-type]


def test_the_catalogues_say_all_that_notices_say_and_nothing_else(tmp_path: Path) -> None:
    wanted = {message.id for message in extracted(tmp_path) if message.id}
    assert len(wanted) > 200
    for path in SHIPPED_LOCALES.glob("*/messages.po"):
        with path.open("rb") as file:
            known = {message.id: message for message in read_po(file) if message.id}
        assert wanted - set(known) == set(), f"make words, then translate these in {path}"
        assert set(known) - wanted == set(), f"{path} has what nobody says any more: make words"
        for said in known.values():
            assert all(forms(said.string)), f"{path}: not translated: {said.id}"
            assert not said.fuzzy
            asked = frozenset[str]().union(*map(placeholders, forms(said.id)))
            assert all(placeholders(form) == asked for form in forms(said.string)), said.id
    assert shipped_languages().faults == ()


def test_russian_counts_as_russian_does() -> None:
    def subject(total: int) -> str:
        summary = SAMPLES["summary"].summary
        assert summary is not None
        counted = msgspec.structs.replace(summary, total=total, open=total)
        return render("summary", language="ru", summary=counted).subject

    assert "1 открытый инцидент " in subject(1)
    assert "2 открытых инцидента " in subject(2)
    assert "11 открытых инцидентов " in subject(11)
    assert "21 открытый инцидент " in subject(21)


def test_a_manager_reads_russian() -> None:
    message = render("update", "manager", "ru-RU")
    assert message.subject == "[Новости] Не работают: Online shop и Payments (INC-42)"
    assert "Начало:       вт, 24 нояб., 08:00 UTC (12 мин)\n" in message.text
    assert "Обещано:      решить до 12:00 UTC, осталось 3 ч 47 мин\n" in message.text
    assert "a sample" not in all_of(message), "sentences of rules are for operators"


def test_a_language_that_is_not_there_is_the_usual_one() -> None:
    content = msgspec.structs.replace(SAMPLES["opened"], language="xx")
    assert "New incident" in USUAL.render(content, sent_at=T0).text
    assert "Новый инцидент" in Renderer(language="ru").render(content, sent_at=T0).text


def catalogue(folder: Path, code: str, message: str, said: str) -> Path:
    file = folder / "locale" / code / "messages.po"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f'msgid "{message}"\nmsgstr "{said}"\n', encoding="utf-8")
    return folder


def test_owners_change_single_words_and_add_languages(tmp_path: Path) -> None:
    catalogue(tmp_path, "ru", "New incident", "Беда")
    catalogue(tmp_path, "en", "New incident", "Trouble")
    catalogue(tmp_path, "de", "New incident", "Neue Störung")
    renderer = Renderer(templates_dir=tmp_path)
    assert renderer.faults() == ()

    def text(language: str) -> str:
        content = msgspec.structs.replace(SAMPLES["opened"], language=language)
        return renderer.render(content, sent_at=T0).text

    assert text("en").startswith("P1  Trouble: ")
    assert text("ru").startswith("P1  Беда: ")
    assert "Дальше: " in text("ru"), "the rest is said as it ships"
    assert text("de").startswith("P1  Neue Störung: ")
    assert "12 Min. 18 Sek." in text("de")


@pytest.mark.parametrize(
    ("code", "said", "fault"),
    [
        ("ru", 'x"\nnonsense "', "catalogue ru: "),
        ("klingon", "x", "catalogue klingon: "),
        ("ru", "%(nobody)s", 'catalogue ru: "New incident" has no %(nobody)s'),
    ],
)
def test_a_catalogue_that_is_wrong_is_found_beforehand_and_does_no_harm(
    tmp_path: Path, code: str, said: str, fault: str
) -> None:
    catalogue(tmp_path, code, "New incident", said)
    found = read_languages(tmp_path).faults
    assert [f for f in found if f.startswith(fault)], found
    renderer = Renderer(templates_dir=tmp_path, language="ru")
    assert "Новый инцидент" in renderer.render(SAMPLES["opened"], sent_at=T0).text


def owner(folder: Path, **files: str) -> Renderer:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("DOT", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return Renderer(templates_dir=folder)


def test_the_most_special_template_speaks(tmp_path: Path) -> None:
    renderer = owner(
        tmp_path,
        managerDOTtxt="for all",
        manager_openedDOTtxt="for opened",
        noc__managerDOTtxt="for noc",
        noc__manager_resolvedDOTtxt="for noc, resolved",
        messageDOTtxt="for operators",
    )

    def text(event: str, to: str, audience: str = "manager") -> str:
        content = msgspec.structs.replace(SAMPLES[event], audience=audience)
        return renderer.render(content, sent_at=T0, to=to).text

    assert text("closed", "mail") == "for all"
    assert text("opened", "mail") == "for opened"
    assert text("opened", "noc") == "for noc"
    assert text("resolved", "noc") == "for noc, resolved"
    assert text("opened", "noc", "operator") == "for operators"
    assert text("opened", "noc", "customer").startswith("New disruption: ")


def test_an_owners_template_extends_the_one_it_stands_in_for(tmp_path: Path) -> None:
    renderer = owner(
        tmp_path,
        managerDOThtml='{% extends "shipped/manager.html" %}{% block foot %}ACME operations{% endblock %}',
    )
    content = msgspec.structs.replace(SAMPLES["opened"], audience="manager")
    message = renderer.render(content, sent_at=T0)
    assert message.fault == ""
    assert "ACME operations" in message.html
    assert "not working" in message.html
    assert renderer.faults() == ()


def test_a_mistake_in_a_template_for_managers_is_found_beforehand(tmp_path: Path) -> None:
    renderer = owner(tmp_path, noc__manager_openedDOTtxt="{{ impact.titel }}")
    (fault,) = renderer.faults()
    assert fault.startswith("template noc/manager_opened.txt: UndefinedError: ")


@pytest.mark.parametrize(
    "text",
    [
        '{{ _("%(a)1000000000d", a=1) }}',
        '{% set x = "a" * 0 + "aaaaaaaaaa" %}{{ _("%(a)s" * 1, a=x) }}',
        '{% set n = namespace(x="aaaaaaaaaaaaaaaa") %}{% for i in range(99) %}{% set n.x = _("%(a)s%(a)s", a=n.x) %}'
        "{% endfor %}{{ n.x }}",
        '{{ "a"|label(999999999) }}',
    ],
)
def test_no_message_grows_without_end(tmp_path: Path, text: str) -> None:
    message = owner(tmp_path, messageDOTtxt=text).render(SAMPLES["opened"], sent_at=T0)
    assert len(message.text) < 10_000


def test_values_in_translated_messages_are_escaped(tmp_path: Path) -> None:
    renderer = owner(tmp_path, messageDOThtml="{% trans t=incident.title %}About {{ t }}{% endtrans %}")
    content = msgspec.structs.replace(SAMPLES["opened"], incident=incident(title="<script>%(t)s"))
    assert renderer.render(content, sent_at=T0).html == "About &lt;script&gt;%(t)s"
    renderer = owner(tmp_path, messageDOThtml='{{ _(incident.title) }} {{ _("a & b, 100 %") }}')
    assert renderer.render(content, sent_at=T0).html == "&lt;script&gt;%(t)s a &amp; b, 100 %"


def test_the_preview_shows_a_sample_for_every_reader(site: Site, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    words = ["notify", "preview", "--event", "summary", "--audience", "manager", "--language", "ru"]
    said = site.run(*words, "--html", str(page))
    assert "Subject: [Сводка] Не работают: Online shop и Payments" in said
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert json.loads(site.run("notify", "preview", "--json"))["event"] == "opened"


def test_the_preview_shows_an_incident_on_record(site: Site) -> None:
    site.record()
    assert site.json("notify", "preview", "INC-1")["subject"] == "[P1] INC-1 tor-3a is down: Payments is down"
    told = site.json("notify", "preview", "1", "--audience", "manager", "--event", "resolved")
    assert told["subject"] == "[Solved] Payments is down (INC-1)"
    assert "tor-3a" not in told["text"]


@pytest.mark.parametrize(
    ("words", "said", "code"),
    [
        (("--event", "opend"), "allowed: opened", 2),
        (("--audience", "boss"), "allowed: operator, manager, customer", 2),
        (("--language", "fr"), "allowed: en, ru", 2),
        (("--channel", "pager"), 'there is no notifier "pager"', 1),
        (("INC-99",), "there is no incident INC-99", 1),
        (("--html", "/nowhere/page.html"), "/nowhere/page.html cannot be written", 1),
    ],
)
def test_the_preview_refuses_what_it_does_not_know(site: Site, words: tuple[str, ...], said: str, code: int) -> None:
    site.record()
    result = site.runner.invoke(app, site.words("notify", "preview", *words), env={"COLUMNS": "300"})
    assert result.exit_code == code
    assert said in result.output + str(result.exception)


def test_every_sample_is_one_that_can_be_read_back() -> None:
    for content in samples():
        assert msgspec.json.decode(msgspec.json.encode(content), type=NoticeContent) == content
