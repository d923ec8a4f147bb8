"""What every source does with servers that answer oddly: it says SourceDown, in one sentence, in time."""

import json
import ssl
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from daemon.clock import ManualClock, SystemClock
from daemon.errors import SourceDown
from daemon.sources.alertmanager import AlertmanagerSource
from daemon.sources.http_session import MAX_BODY_BYTES
from daemon.sources.poller import Poller
from daemon.sources.prometheus import PrometheusSource
from daemon.sources.settings import SourceSettings, TlsSettings
from notifiers.secret import Secret
from rules.alert import fingerprint_of
from rules.decision import Listing, Push, SourceFailed
from tests.odd_http import Answer, OddServer, odd_server, text
from tests.servers import program

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
START = {"prometheus": "/api/v1/rules", "alertmanager": "/api/v2/alerts"}


def source(kind: str, url: str, *, clock: Any = None, **settings: Any) -> PrometheusSource | AlertmanagerSource:
    settings.setdefault("timeout", timedelta(seconds=30))
    made: Any = {"prometheus": PrometheusSource, "alertmanager": AlertmanagerSource}[kind]
    wanted: Any = SourceSettings(name="main", type=kind, url=url, **settings)  # type: ignore[arg-type]
    return made("main", wanted, clock or SystemClock())  # type: ignore[no-any-return]


@pytest.fixture
def server() -> Iterator[OddServer]:
    with odd_server() as running:
        yield running


@pytest.fixture(params=["prometheus", "alertmanager"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def success(data: Any, **more: Any) -> Answer:
    return text(json.dumps({"status": "success", "data": data, **more}))


def prometheus_answers(
    alerts: list[dict[str, Any]] | None = None, rules: list[dict[str, Any]] | None = None, **runtime: str
) -> dict[str, Answer]:
    return {
        "/api/v1/rules": success({"groups": [{"interval": 15, "rules": rules or []}]}),
        "/api/v1/alerts": success({"alerts": alerts or []}),
        "/api/v1/status/runtimeinfo": success(runtime),
        "/api/v1/status/config": success({"yaml": "global: {external_labels: {site: fra1, up: yes, n: 012}}"}),
    }


def truncated(handler: Any) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'[{"labels"')
    handler.close_connection = True


def huge(handler: Any) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.end_headers()
    for _ in range(MAX_BODY_BYTES // 1024**2 + 8):
        handler.wfile.write(b" " * 1024**2)
    handler.close_connection = True


ODD: list[tuple[str, Answer, str]] = [
    ("error 500", text("boom", status=500), "answered with HTTP 500"),
    ("error 503", text("later", status=503, Retry_After="3600"), "answered with HTTP 503"),
    ("login", text("who are you", status=401), "refuses our credentials (HTTP 401)"),
    ("forbidden", text("no", status=403), "refuses our credentials (HTTP 403)"),
    ("html", text("<html>Sign in</html>", kind="text/html"), "a web page instead of data"),
    ("redirect", text("", status=302, Location="http://u:pw@sso.example/login"), "redirects to sso.example"),
    ("truncated", truncated, "cannot be read: the answer broke off"),
    ("half of JSON", text('[{"labels": {'), "answered "),
    ("other shape", text('{"status": 5}'), "in an unexpected shape"),
    ("empty", text(""), "incomplete or broken JSON"),
    ("deep", text("[" * 100_000), "answered"),
    ("huge", huge, "answered with more than 64 MiB"),
]


@pytest.mark.parametrize(("answer", "says"), [o[1:] for o in ODD], ids=[o[0] for o in ODD])
def test_an_odd_answer_is_source_down_in_one_sentence(kind: str, server: OddServer, answer: Answer, says: str) -> None:
    server.otherwise = answer
    secrets = {"bearer_token": Secret("tok-SECRET"), "headers": (("X-Key", Secret("key-SECRET")),)}
    with pytest.raises(SourceDown) as caught:
        source(kind, server.url, **secrets).poll()
    message = str(caught.value)
    assert says in message
    assert message.startswith("127.0.0.1:")
    assert "\n" not in message
    assert "SECRET" not in message
    assert "pw" not in message
    assert len(server.requests) == 1, "the next poll is the retry"


@pytest.mark.parametrize("how", ["silence", "drip_body", "drip_headers"])
def test_a_slow_server_is_cut_off_when_the_time_is_over(kind: str, server: OddServer, how: str) -> None:
    server.otherwise = getattr(server, how)
    with pytest.raises(SourceDown, match=r"did not answer within 0\.3 s"):
        source(kind, server.url, timeout=timedelta(seconds=0.3)).poll()


def test_a_refused_connection_says_so(kind: str) -> None:
    with odd_server() as closed:
        url = closed.url
    with pytest.raises(SourceDown, match="cannot be read: connection refused"):
        source(kind, url.replace("http://", "http://user:hidden@")).poll()


def test_an_unknown_name_says_so(kind: str) -> None:
    with pytest.raises(SourceDown, match=r"nowhere\.invalid cannot be read: its name cannot be resolved"):
        source(kind, "http://nowhere.invalid").poll()


def test_credentials_and_headers_are_sent(kind: str, server: OddServer) -> None:
    server.answers = {**prometheus_answers(), "/api/v2/alerts": text("[]")}
    headers = (("X-Scope-OrgID", Secret("team")),)
    source(kind, server.url, bearer_token=Secret("tok"), headers=headers).poll()
    assert {sent["Authorization"] for _, sent in server.requests} == {"Bearer tok"}
    assert {sent["X-Scope-OrgID"] for _, sent in server.requests} == {"team"}
    server.requests.clear()
    source(kind, server.url, username="ü", password=Secret("p:w")).poll()
    assert {sent["Authorization"] for _, sent in server.requests} == {"Basic w7w6cDp3"}


def test_a_netrc_and_proxies_of_the_environment_count_for_nothing(
    kind: str, server: OddServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login other password other\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    server.answers = {**prometheus_answers(), "/api/v2/alerts": text("[]")}
    source(kind, f"{server.url}/", bearer_token=Secret("tok")).poll()
    assert {sent["Authorization"] for _, sent in server.requests} == {"Bearer tok"}


# TLS


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    openssl = program("openssl")
    where = tmp_path_factory.mktemp("tls")
    (where / "san").write_text("subjectAltName=IP:127.0.0.1\n")

    def run(*words: str) -> None:
        subprocess.run([openssl, *words], cwd=where, check=True, capture_output=True)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    run("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=test authority", "-days", "30")
    for name in ("server", "client"):
        run("req", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "san", "-days", "30")
        run("x509", "-req", "-in", f"{name}.csr", *signed, "-out", f"{name}.pem")
    return where


@pytest.fixture
def tls_server(certificates: Path) -> Iterator[OddServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "server.pem", certificates / "server.key")
    context.load_verify_locations(certificates / "ca.pem")
    context.verify_mode = ssl.CERT_OPTIONAL
    with odd_server(context) as running:
        running.answers = {**prometheus_answers(), "/api/v2/alerts": text("[]")}
        yield running


def test_a_certificate_of_an_unknown_authority_is_refused(kind: str, tls_server: OddServer) -> None:
    with pytest.raises(SourceDown, match="its certificate is not trusted"):
        source(kind, tls_server.url).poll()


def test_an_authority_or_the_owners_word_makes_it_trusted(kind: str, tls_server: OddServer, certificates: Path) -> None:
    source(kind, tls_server.url, tls=TlsSettings(ca_file=certificates / "ca.pem")).poll()
    source(kind, tls_server.url, tls=TlsSettings(insecure_skip_verify=True)).poll()


def test_we_show_our_certificate(kind: str, tls_server: OddServer, certificates: Path) -> None:
    shown: list[Any] = []

    def look(handler: Any) -> None:
        shown.append(handler.connection.getpeercert())
        (text("[]") if kind == "alertmanager" else success({"alerts": []}))(handler)

    tls_server.answers[{"prometheus": "/api/v1/alerts", "alertmanager": "/api/v2/alerts"}[kind]] = look
    tls = TlsSettings(
        ca_file=certificates / "ca.pem", cert_file=certificates / "client.pem", key_file=certificates / "client.key"
    )
    source(kind, tls_server.url, tls=tls).poll()
    assert shown[0]["subject"] == ((("commonName", "client"),),)


def test_tls_files_that_cannot_be_used_are_named_as_the_cause(kind: str, tmp_path: Path) -> None:
    with pytest.raises(SourceDown, match=r"its TLS files cannot be used \(no such file"):
        source(kind, "https://127.0.0.1:1", tls=TlsSettings(ca_file=tmp_path / "none.pem")).poll()


def test_a_dripping_tls_server_is_cut_off(kind: str, tls_server: OddServer, certificates: Path) -> None:
    tls_server.answers = {}
    tls_server.otherwise = tls_server.drip_body
    tls = TlsSettings(ca_file=certificates / "ca.pem")
    with pytest.raises(SourceDown, match=r"did not answer within 0\.5 s"):
        source(kind, tls_server.url, tls=tls, timeout=timedelta(seconds=0.5)).poll()


# Prometheus


def firing(**labels: str) -> dict[str, Any]:
    return {
        "labels": labels,
        "annotations": {"summary": "it is down"},
        "state": "firing",
        "activeAt": "2026-11-24T07:59:00.123456789Z",
        "value": "1e+00",
    }


def rule(name: str, **more: Any) -> dict[str, Any]:
    fresh = {"health": "ok", "lastEvaluation": "2126-01-01T00:00:00Z", "type": "alerting", "duration": 0}
    return {"name": name, "query": "up == 0", "labels": {}, **fresh, **more}


def poll_prometheus(server: OddServer, **answers: Any) -> Listing:
    server.answers = prometheus_answers(**answers)
    return source("prometheus", server.url, clock=ManualClock(NOW)).poll()  # type: ignore[return-value]


def test_firing_alerts_come_with_external_labels_and_a_link(server: OddServer) -> None:
    alerts = [
        firing(alertname="Down", instance="a:1", replica="r1", empty=""),
        firing(alertname="Down", instance="a:1", replica="r2"),
        {**firing(alertname="Pending"), "state": "pending"},
        firing(alertname="Other", site="elsewhere"),
    ]
    listing = poll_prometheus(server, alerts=alerts, rules=[rule("Down", query='up{job="x"} == 0')])
    assert listing.at == NOW
    down, other = listing.sightings
    assert down.labels == {"alertname": "Down", "instance": "a:1", "site": "fra1", "up": "yes", "n": "012"}
    assert other.labels["site"] == "elsewhere"
    assert down.starts_at == datetime(2026, 11, 24, 7, 59, 0, 123456, UTC)
    assert down.annotations == {"summary": "it is down"}
    assert down.generator_url == f"{server.url}/graph?g0.expr=up%7Bjob%3D%22x%22%7D+%3D%3D+0&g0.tab=1"


@pytest.mark.parametrize(
    ("odd", "is_held"),
    [
        ({}, False),
        ({"health": "err", "lastError": "many-to-many"}, True),
        ({"health": "unknown"}, True),
        ({"lastEvaluation": "0001-01-01T00:00:00Z"}, True),
        ({"lastEvaluation": "2020-01-01T00:00:00Z"}, True),
    ],
)
def test_a_rule_that_cannot_be_trusted_is_held(server: OddServer, odd: dict[str, Any], is_held: bool) -> None:
    listing = poll_prometheus(server, rules=[rule("Odd", **odd), rule("Sound")])
    assert listing.held == ({"Odd"} if is_held else frozenset())


def test_after_its_start_prometheus_is_not_believed_about_rules_that_wait(server: OddServer) -> None:
    soon = {"startTime": (datetime.now(UTC) - timedelta(minutes=3)).isoformat()}  # noqa: TID251  the server's clock
    listing = poll_prometheus(server, rules=[rule("Waits", duration=600), rule("Acts")], **soon)
    assert listing.held == {"Waits"}


def test_part_of_an_answer_is_not_an_answer(server: OddServer) -> None:
    server.answers = prometheus_answers()
    server.answers["/api/v1/alerts"] = success({"alerts": []}, warnings=["store 10.0.0.7 is away"])
    with pytest.raises(SourceDown, match=r"answered only in part: store 10\.0\.0\.7 is away"):
        source("prometheus", server.url).poll()
    server.answers["/api/v1/alerts"] = text('{"status":"error","error":"out of memory"}')
    with pytest.raises(SourceDown, match="answered with an error: out of memory"):
        source("prometheus", server.url).poll()


def test_where_there_are_no_alerts_to_ask_for_their_series_are_read(server: OddServer) -> None:
    at = datetime(2026, 11, 24, 7, tzinfo=UTC)
    labels = {"alertname": "Down", "instance": "a"}
    series = {
        'ALERTS{alertstate="firing"}': [
            {"metric": {"__name__": "ALERTS", "alertstate": "firing", **labels}, "value": [0, "1"]}
        ],
        "ALERTS_FOR_STATE": [{"metric": {"__name__": "ALERTS_FOR_STATE", **labels}, "value": [0, str(at.timestamp())]}],
        "count(up)": [{"metric": {}, "value": [0, "3"]}],
    }

    def query(handler: Any) -> None:
        from urllib.parse import parse_qs

        expression = parse_qs(handler.path.partition("?")[2])["query"][0]
        success({"resultType": "vector", "result": series[expression]})(handler)

    server.answers["/api/v1/query"] = query
    asked = source("prometheus", server.url)
    (sighting,) = asked.poll().sightings
    assert sighting.labels == labels
    assert sighting.starts_at == at
    series.update({key: [] for key in series})
    with pytest.raises(SourceDown, match="no fresh data any more"):
        asked.poll()
    server.answers["/api/v1/query"] = success({"resultType": "vector", "result": []}, warnings=["half"])
    with pytest.raises(SourceDown, match="only in part: half"):
        asked.poll()


def test_texts_that_are_not_unicode_do_not_cost_the_listing(server: OddServer) -> None:
    server.answers = prometheus_answers()
    body = json.dumps({"status": "success", "data": {"alerts": [firing(alertname="A", x="\ud800", y="a\0b")]}})
    server.answers["/api/v1/alerts"] = text(body)
    (sighting,) = source("prometheus", server.url).poll().sightings
    assert sighting.labels["x"] == "\ufffd"
    assert sighting.labels["y"] == "ab"


# Alertmanager


def am_alert(name: str, status: dict[str, Any], **more: Any) -> dict[str, Any]:
    fields = {"startsAt": "2026-11-24T07:00:00Z", "endsAt": "2126-01-01T00:00:00Z", "fingerprint": "0"}
    return {"labels": {"alertname": name}, "annotations": {}, "status": status, **fields, **more}


ACTIVE = {"state": "active", "silencedBy": [], "inhibitedBy": []}


def test_silenced_inhibited_and_ended_alerts_are_told_apart(server: OddServer) -> None:
    alerts = [
        am_alert("A", ACTIVE),
        am_alert("B", {"state": "suppressed", "silencedBy": ["x"], "inhibitedBy": []}),
        am_alert("C", {"state": "suppressed", "silencedBy": [], "inhibitedBy": ["x"]}),
        am_alert("D", {"state": "suppressed", "silencedBy": [], "inhibitedBy": [], "mutedBy": ["night"]}),
        am_alert("E", {"state": "unprocessed", "silencedBy": [], "inhibitedBy": []}),
        am_alert("F", ACTIVE, endsAt="2020-01-01T00:00:00Z"),
    ]
    server.answers["/api/v2/alerts"] = text(json.dumps(alerts))
    listing = source("alertmanager", server.url).poll()
    assert isinstance(listing, Listing)
    assert {s.labels["alertname"]: s.suppressed for s in listing.sightings} == {
        "A": "",
        "B": "silenced",
        "C": "inhibited",
        "D": "muted",
        "E": "",
    }
    assert all(s.ends_at is None for s in listing.sightings)


def test_an_alertmanager_that_has_just_started_ends_only_what_it_has_shown(server: OddServer) -> None:
    started = datetime.now(UTC).isoformat()  # noqa: TID251  the server's clock
    server.answers["/api/v2/status"] = text(json.dumps({"uptime": started}))
    server.answers["/api/v2/alerts"] = text(json.dumps([am_alert("A", ACTIVE), am_alert("B", ACTIVE)]))
    asked = source("alertmanager", server.url)
    first = asked.poll()
    server.answers["/api/v2/alerts"] = text(json.dumps([am_alert("B", ACTIVE)]))
    second = asked.poll()
    server.answers["/api/v2/status"] = text(json.dumps({"uptime": "2020-01-01T00:00:00Z"}))
    server.answers["/api/v2/alerts"] = text("[]")
    third = asked.poll()
    assert isinstance(first, Push)
    assert isinstance(second, Push)
    assert {s.labels["alertname"]: s.firing for s in second.sightings} == {"A": False, "B": True}
    assert isinstance(third, Listing)


# Asking again


class _Scripted:
    name = "main"

    def __init__(self) -> None:
        self.asked = 0
        self.then: Callable[[], Listing] = self.fail

    def poll(self) -> Listing:
        self.asked += 1
        return self.then()

    def fail(self) -> Listing:
        raise SourceDown("127.0.0.1 cannot be read: connection refused")

    def answer(self) -> Listing:
        return Listing(source="main", at=NOW, sightings=())

    def stumble(self) -> Listing:
        raise ZeroDivisionError


def test_a_dead_source_is_asked_less_often_but_never_forgotten() -> None:
    clock, scripted = ManualClock(NOW), _Scripted()
    poller = Poller(scripted, clock, timedelta(seconds=15))
    asked_at = []
    for tick in range(40):
        if poller.run() is not None:
            asked_at.append(tick * 15)
        clock.advance(timedelta(seconds=15))
    assert asked_at[:6] == [0, 15, 45, 105, 165, 225]
    scripted.then = scripted.answer
    while (word := poller.run()) is None:
        clock.advance(timedelta(seconds=15))
    assert isinstance(word, Listing)
    assert isinstance(poller.run(), Listing)


def test_a_flaw_of_ours_is_a_failed_source_too(caplog: pytest.LogCaptureFixture) -> None:
    scripted = _Scripted()
    scripted.then = scripted.stumble
    word = Poller(scripted, ManualClock(NOW), timedelta(seconds=15)).run()
    assert isinstance(word, SourceFailed)
    assert "ZeroDivisionError" in word.error
    assert "source_poll_broke" in caplog.text


def test_both_sources_give_one_identity(server: OddServer) -> None:
    labels = {"alertname": "Down", "instance": "a"}
    server.answers = prometheus_answers(alerts=[firing(**labels)])
    sent = {**am_alert("Down", ACTIVE), "labels": {**labels, "site": "fra1", "up": "yes", "n": "012", "replica": "1"}}
    server.answers["/api/v2/alerts"] = text(json.dumps([sent]))
    seen = {source(kind, server.url).poll().sightings[0].fingerprint for kind in START}
    assert seen == {fingerprint_of({**labels, "site": "fra1", "up": "yes", "n": "012"})}
