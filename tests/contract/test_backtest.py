"""`incidentd backtest` against a server that answers oddly, and against a real Prometheus."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from typer.testing import CliRunner

from daemon.cli.main import app
from daemon.errors import SourceDown
from daemon.sources.http_session import MAX_BODY_BYTES
from daemon.sources.prometheus_history import History, read_history
from daemon.sources.settings import SourceSettings
from tests.odd_http import Answer, OddServer, odd_server, text
from tests.servers import DEVICE_RULES, Prometheus, wait_until

BEGIN = datetime(2026, 11, 24, 8, tzinfo=UTC)
STEP = timedelta(seconds=15)
DOWN = {"alertname": "Down", "instance": "tor-1:9100", "severity": "critical"}
CMDB = """
cis:
  - {id: shop, type: business-service, depends_on: [tor-1]}
  - {id: tor-1, type: switch}
  - {id: tor-2, type: switch}
"""


class Past:
    """A made-up history: `fires` has, by labels, when an alert fired and since when it was active, in seconds."""

    def __init__(self, server: OddServer) -> None:
        self.server = server
        self.fires: list[tuple[dict[str, str], float, float, float]] = []
        self.silent = range(0)
        self.most_points = 11_000
        self.asked: list[tuple[str, int]] = []
        server.answers["/api/v1/query"] = dated(success([]), "Tue, 01 Jan 2030 08:00:00 GMT")
        server.answers["/api/v1/query_range"] = self.answer
        server.answers["/api/v1/status/config"] = text(
            json.dumps({"status": "success", "data": {"yaml": "global: {external_labels: {site: fra1, replica: a}}"}})
        )

    def answer(self, handler: Any) -> None:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(handler.path).query).items()}
        times = range(int(asked["start"]), int(asked["end"]) + 1, int(asked["step"].removesuffix("s")))
        self.asked.append((asked["query"], len(times)))
        if len(times) > self.most_points:
            words = "query processing would load too many samples into memory in query execution"
            refusal = {"status": "error", "errorType": "execution", "error": words}
            text(json.dumps(refusal), status=422)(handler)
            return
        text(success(self.series(asked["query"], times)))(handler)

    def series(self, query: str, times: range) -> list[Any]:
        zero = int(BEGIN.timestamp())
        if query == "count(up)":
            return [{"metric": {}, "values": [[t, "3"] for t in times if t - zero not in self.silent]}]
        found = []
        for labels, start, end, active in self.fires:
            if query.startswith("ALERTS{"):
                metric, value = {"__name__": "ALERTS", "alertstate": "firing", **labels}, "1"
            else:
                metric, value = {"__name__": "ALERTS_FOR_STATE", **labels}, str(zero + active)
            values = [[t, value] for t in times if start <= t - zero < end]
            found += [{"metric": metric, "values": values}] if values else []
        return found


def dated(body: str, date: str) -> Answer:
    """An answer of a server with a clock of its own."""

    def answer(handler: Any) -> None:
        handler.send_response_only(200)
        handler.send_header("Date", date)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body.encode())

    return answer


def success(result: Any, **more: Any) -> str:
    return json.dumps({"status": "success", "data": {"resultType": "matrix", "result": result}, **more})


@pytest.fixture
def server() -> Iterator[OddServer]:
    with odd_server() as running:
        yield running


@pytest.fixture
def past(server: OddServer) -> Past:
    return Past(server)


def read(server: OddServer, length: timedelta = timedelta(hours=2), **settings: Any) -> History:
    wanted = SourceSettings(**{"name": "b", "type": "prometheus", "url": server.url, **settings})
    seen: list[tuple[int, int]] = []
    history = read_history(wanted, BEGIN, BEGIN + length, STEP, lambda done, total: seen.append((done, total)))
    assert seen == sorted(seen)
    assert seen[-1][0] == seen[-1][1] == length // STEP + 1
    return history


def heard(history: History) -> list[tuple[float, bool]]:
    return [((e.at - BEGIN).total_seconds(), e.sighting.firing) for e in history.recording.events]


def test_a_history_becomes_events_with_the_labels_that_alerts_are_sent_with(past: Past) -> None:
    past.fires = [(DOWN, 100, 200, 40)]
    history = read(past.server)
    assert heard(history) == [(105, True), (210, False)]
    sighting = history.recording.events[0].sighting
    assert sighting.labels == {**DOWN, "site": "fra1"}
    assert sighting.starts_at == BEGIN + timedelta(seconds=40)
    assert history.recording.until == BEGIN + timedelta(hours=2)
    assert history.silent == timedelta(0)


def test_long_times_are_read_in_parts_that_prometheus_allows(past: Past) -> None:
    past.fires = [(DOWN, 100, 400_000, 40)]
    history = read(past.server, timedelta(days=7))
    assert heard(history) == [(105, True), (400_005, False)]
    assert max(points for _, points in past.asked) <= 11_000


def test_what_is_too_much_at_once_is_read_in_smaller_parts(past: Past) -> None:
    past.fires = [(DOWN, 100, 5000, 40), ({**DOWN, "instance": "tor-2"}, 50, 3000, 50)]
    whole = heard(read(past.server))
    past.most_points = 200
    past.asked.clear()
    assert heard(read(past.server)) == whole
    assert {query for query, points in past.asked if points <= 200} == {query for query, _ in past.asked}


def test_what_is_too_much_even_for_one_moment_is_an_error_in_prometheus_words(past: Past) -> None:
    past.most_points = 0
    past.series = lambda query, times: []  # type: ignore[method-assign]
    with pytest.raises(SourceDown, match=r"HTTP 422 Unprocessable Entity: query processing would load too many"):
        read(past.server)


def test_an_answer_past_the_limit_is_asked_for_in_parts(past: Past) -> None:
    def answer(handler: Any) -> None:
        asked = parse_qs(urlsplit(handler.path).query)
        points = (int(asked["end"][0]) - int(asked["start"][0])) // 15 + 1
        padding = " " * (MAX_BODY_BYTES if points > 300 and asked["query"][0].startswith("ALERTS") else 0)
        text(success([]) + padding)(handler)

    past.server.answers["/api/v1/query_range"] = answer
    assert heard(read(past.server)) == []


def test_a_silent_prometheus_ends_nothing_and_it_is_said_for_how_long(past: Past) -> None:
    past.fires = [(DOWN, 100, 1000, 40), (DOWN, 2000, 3000, 40)]
    past.silent = range(1000, 2000)
    history = read(past.server)
    assert heard(history) == [(105, True), (3000, False)]
    assert timedelta(seconds=900) < history.silent < timedelta(seconds=1100)


def test_the_future_of_the_server_is_not_read(past: Past) -> None:
    """Nothing is to be seen there, and that would look as if all had ended."""
    past.server.answers["/api/v1/query"] = dated(success([]), "Tue, 24 Nov 2026 08:10:00 GMT")
    past.fires = [(DOWN, 100, 605, 40)]
    wanted = SourceSettings(name="b", type="prometheus", url=past.server.url)
    history = read_history(wanted, BEGIN, BEGIN + timedelta(hours=2), STEP, lambda *_: None)
    assert heard(history) == [(105, True)]
    with pytest.raises(SourceDown, match="that time has not come yet"):
        read_history(wanted, BEGIN + timedelta(hours=1), BEGIN + timedelta(hours=2), STEP, lambda *_: None)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (text("<html>login</html>"), "a login in front of it"),
        (text(success([], warnings=["one store is away"])), "answered only in part: one store is away"),
        (text("nope", status=503), "answered with HTTP 503"),
        (text("no", status=401), "refuses our credentials"),
    ],
)
def test_what_cannot_be_trusted_is_an_error(past: Past, answer: Any, said: str) -> None:
    past.server.answers["/api/v1/query_range"] = answer
    with pytest.raises(SourceDown, match=said):
        read(past.server)
    assert len(past.server.requests) < 6, "nothing is tried again and again"


class Command:
    """`incidentd backtest` on a CMDB in a file."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        (directory / "cmdb.yaml").write_text(CMDB)

    def run(self, *words: str, code: int = 0, env: dict[str, str] | None = None) -> Any:
        cmdb = ["--cmdb", str(self.directory / "cmdb.yaml")]
        result = CliRunner().invoke(app, ["backtest", *cmdb, *words], env={"COLUMNS": "200", **(env or {})})
        assert result.exit_code == code, (result.output, result.exception)
        return result


@pytest.fixture
def command(tmp_path: Path) -> Command:
    return Command(tmp_path)


def times(start: datetime = BEGIN, length: timedelta = timedelta(hours=1)) -> list[str]:
    return ["--from", start.isoformat(), "--to", str(int((start + length).timestamp()))]


def test_the_document_is_the_replays(past: Past, command: Command) -> None:
    past.fires = [(DOWN, 100, 200, 40), ({**DOWN, "severity": "info"}, 100, 130, 100)]
    document = json.loads(command.run("--prometheus", past.server.url, *times(), "--json").stdout)
    assert list(document) == ["incidents", "events"]
    (incident,) = document["incidents"]
    assert incident["root_cause"]["ci"] == "tor-1"
    assert incident["opened_at"] == "2026-11-24T08:01:45.000Z"
    assert incident["status"] == "resolved"
    assert [(a["labels"]["alertname"], a["startsAt"]) for a in incident["alerts"]] == [
        ("Down", "2026-11-24T08:00:40.000Z")
    ]
    assert [e["reason"] for e in document["events"]] == ["severity info is kept as an event"]
    said = command.run("--prometheus", past.server.url, *times(), "--explain").stdout
    assert "INC-1 opened: tor-1" in said


def test_it_ends_where_the_history_ends(past: Past, command: Command) -> None:
    """What would come later is not known: an incident whose alert cleared just then has not resolved."""
    past.fires = [(DOWN, 100, 3540, 40)]
    (incident,) = json.loads(command.run("--prometheus", past.server.url, *times(), "--json").stdout)["incidents"]
    assert (incident["status"], incident["resolved_at"]) == ("open", None)
    assert incident["alerts"][0]["cleared_at"] == "2026-11-24T08:59:00.000Z"


def test_a_configured_source_is_read_with_its_credentials_and_rules(past: Past, command: Command) -> None:
    past.fires = [(DOWN, 100, 200, 40)]
    config = command.directory / "incidentd.yaml"
    config.write_text(
        f"cmdb: [{{type: yaml, path: cmdb.yaml}}]\nincidents: {{resolve_after: 20m}}\n"
        f"sources: [{{name: main, type: prometheus, url: '{past.server.url}', bearer_token: t0ken}}]\n"
    )
    words = ["--config", str(config), "backtest", "--prometheus", "main", *times(), "--json"]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, (result.output, result.exception)
    (incident,) = json.loads(result.stdout)["incidents"]
    assert incident["resolved_at"] == "2026-11-24T08:23:30.000Z"
    assert {headers["Authorization"] for _, headers in past.server.requests} == {"Bearer t0ken"}


def test_a_silence_is_told_on_standard_error(past: Past, command: Command) -> None:
    past.silent = range(601)
    result = command.run("--prometheus", past.server.url, *times(), "--json")
    assert json.loads(result.stdout) == {"incidents": [], "events": []}
    assert "had no data for 10 min 15 s of that time" in result.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--from", "1h", "--to", "2h"], "not before it ends at"),
        (["--from", "now", "--to", "now"], "not before it ends at"),
        (["--from", "yesterday"], '"yesterday" is not a moment; allowed: 2026-11-24T08:00:00Z'),
        (["--from", "2026-11-24T08:00:00"], "has no time zone"),
        (["--from", "1h", "--step", "1500ms"], "allowed: whole seconds"),
        (["--from", "52w", "--step", "1s"], "take a longer step or less time"),
        (["--from", "1h", "--prometheus", "nowhere"], "does not begin with http:// or https://"),
        (["--from", "1h", "--prometheus", "http://u:p@host"], "which do not belong in an address"),
    ],
)
def test_wrong_usage(command: Command, words: list[str], said: str) -> None:
    output = command.run("--prometheus", "http://127.0.0.1:1", *words, code=2).output
    assert said in " ".join(output.replace("│", "").split())


def test_an_unreachable_prometheus_is_named(command: Command) -> None:
    result = command.run("--prometheus", "http://127.0.0.1:1", "--from", "1h", code=1)
    assert str(result.exception) == "127.0.0.1:1 cannot be read: connection refused"


def test_a_real_prometheus_is_backtested(tmp_path: Path, server: OddServer, command: Command) -> None:
    def show(down: str) -> None:
        lines = [f'device_up{{device="{d}"}} {int(d != down)}' for d in ("tor-1", "tor-2")]
        server.answers["/metrics"] = text("\n".join(lines) + "\n", kind="text/plain; version=0.0.4")

    def value(expression: str) -> float | None:
        answer = requests.get(f"{prometheus.url}/api/v1/query", params={"query": expression}, timeout=30)
        result = answer.json()["data"]["result"]
        return float(result[0]["value"][1]) if result else None

    show(down="none")
    target = server.url.removeprefix("http://")
    with Prometheus(
        tmp_path, DEVICE_RULES, targets=(target,), external_labels={"region": "fra", "replica": "a"}
    ) as prometheus:
        begin = wait_until("the first scrape", lambda: value("timestamp(device_up) and device_up == 1"))
        show(down="tor-1")
        since = wait_until("the alert", lambda: value('ALERTS_FOR_STATE{device="tor-1"}'))
        wait_until("it fires", lambda: value('ALERTS{alertstate="firing",device="tor-1"}'))
        show(down="tor-2")
        # Some seconds ago, so that the history shows it whatever part of a second the reading ends in.
        wait_until("the other", lambda: value('ALERTS{alertstate="firing",device="tor-2"} offset 3s'))
        wait_until("the end of the first", lambda: value('ALERTS{device="tor-1"} offset 3s') is None)
        words = ["--prometheus", prometheus.url, "--from", f"{begin:.0f}", "--step", "1s", "--interval", "1s", "--json"]
        document = json.loads(command.run(*words, "--explain").stdout)
    first, second = document["incidents"]
    assert [first["root_cause"]["ci"], second["root_cause"]["ci"]] == ["tor-1", "tor-2"]
    (alert,) = first["alerts"]
    assert alert["labels"]["region"] == "fra"
    assert not alert["labels"].keys() & {"alertstate", "__name__", "replica"}
    assert alert["annotations"] == {}
    assert since is not None
    assert alert["startsAt"] == datetime.fromtimestamp(since, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    assert alert["cleared_at"] is not None
    assert second["alerts"][0]["cleared_at"] is None
    fired = [a["labels"]["device"] for step in document["explain"] for a in step["fired"]]
    assert fired == ["tor-1", "tor-2"]
