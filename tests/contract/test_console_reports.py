"""The pages of reports: what they show, how they are filtered, and what a spreadsheet gets."""

import csv
import io
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote

import pytest

from daemon.console.routes import console_routes
from rules.incident import Priority, RootCause, Status
from tests.builders import T0, at, decision, incident
from tests.contract.api_world import Session, World, serve

ROOT = Path(__file__).parents[2]
PERIOD = "since=2026-11-24T00:00:00Z&until=2026-11-25T00:00:00Z"
EVIL = '=HYPERLINK("http://evil.example")<script>alert(1)</script>'


@pytest.fixture
def console(tmp_path: Path) -> Iterator[World]:
    for world in serve(tmp_path, "open", lambda ports: ports, console_routes):
        epoch = world.store.acquire("test", timedelta(minutes=1))
        ended = {"status": Status.CLOSED, "resolved_at": at(600), "closed_at": at(700)}
        world.store.commit(
            decision(
                incidents=(
                    incident(1, title=EVIL, group=EVIL, root=RootCause(ci=EVIL), confirmed_root="db1"),
                    incident(2, priority=Priority.P1, acknowledged_at=at(60), assignee="anna", **ended),
                    incident(3, status=Status.MERGED, closed_at=at(5)),
                )
            ),
            epoch=epoch,
        )
        yield world


def test_every_figure_leads_to_the_incidents_that_it_counts(console: World, http: Session) -> None:
    page = http.get(f"{console.url}/reports?{PERIOD}").text
    links = set(re.findall(r'href="(/reports/incidents[^"]+)"', page))
    assert len(links) >= 12
    counts = {}
    for link in links:
        listed = http.get(console.url + link.replace("&amp;", "&"))
        assert listed.status_code == 200
        counts[unquote(link).rpartition("&amp;")[2]] = sorted(
            set(re.findall(r'href="/incidents/(INC-\d+)"', listed.text))
        )
    assert counts["which=all"] == ["INC-1", "INC-2"]
    assert counts["which=open"] == ["INC-1"]
    assert counts["which=merged"] == ["INC-3"]
    assert counts["which=corrected"] == ["INC-1"]
    assert counts["priority=P1"] == counts["person=anna"] == counts["without=ci"] == ["INC-2"]
    assert counts["day=2026-11-24"] == ["INC-1", "INC-2"]


def test_filters_and_the_period_live_in_the_address(console: World, http: Session) -> None:
    page = http.get(f"{console.url}/reports?{PERIOD}&priority=P1&service=&group=&ci=").text
    assert 'which=all">1</a>' in page
    assert "priority: P1 ×" in page
    wrong = http.get(f"{console.url}/reports?since=soon")
    assert (wrong.status_code, "is not a moment" in wrong.text) == (400, True)


def test_texts_of_strangers_do_nothing_on_pages_and_in_spreadsheets(console: World, http: Session) -> None:
    for path in (f"/reports?{PERIOD}", f"/reports/incidents?{PERIOD}"):
        page = http.get(console.url + path).text
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert" in page
    answer = http.get(f"{console.url}/reports.csv?{PERIOD}")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert ["all", "", "", "incidents", "2"] in rows
    assert [row[1] for row in rows if row[0] == "group" and row[3] == "incidents"] == ["", f"'{EVIL}"]
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@"))]


def test_the_definitions_are_those_of_the_manual(console: World, http: Session) -> None:
    page = http.get(f"{console.url}/reports/definitions").text.partition("</main>")[0]
    manual = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    headings = {h.lower().replace(" ", "-") for h in re.findall(r"^## (.+)$", manual, re.MULTILINE)}
    assert set(re.findall(r'<h2 id="([^"]+)"', page)) == headings
    shown = http.get(f"{console.url}/reports?{PERIOD}").text.partition("<main")[2]
    assert set(re.findall(r"/reports/definitions#([a-z-]+)", shown)) <= headings
    assert T0.isoformat() not in shown
