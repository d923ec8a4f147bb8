"""Channels that hang, refuse and flap, and a power cut on top: nobody else's word is delayed, and nothing is lost."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tests.daemons import PATIENCE_S, Incidentd
from tests.fakes import LOOPBACK, odd_peer, silent
from tests.servers import wait_until

pytestmark = pytest.mark.acceptance

CIS = [f"box-{n}" for n in range(1, 31)]
CMDB = yaml.safe_dump({"cis": [{"id": ci, "type": "server", "owner": f"team-{ci}"} for ci in CIS]})
UNTOLD = "box-7"
"""The failure of which the fallback will not hear either."""


class Far:
    """The far ends: what each took, by its name and the failed CI; the flapping one refuses every other request."""

    def __init__(self, server: HTTPServer) -> None:
        self.taken: Counter[tuple[str, str]] = Counter()
        self.keys: dict[tuple[str, str], set[str]] = {}
        self._flaps = 0
        self._server = server
        for name in ("good", "refuses", "flaps", "spare"):
            server.expect_request(f"/{name}").respond_with_handler(self._answer)

    def url(self, name: str) -> str:
        return self._server.url_for(f"/{name}")

    def _answer(self, request: Request) -> Response:
        body, name = json.loads(request.data), request.path.strip("/")
        ci = body["incident"]["root_cause"]["ci"]
        self._flaps += name == "flaps"
        if name == "refuses" or (name == "spare" and ci == UNTOLD):
            return Response("no such room", status=404)
        if name == "flaps" and self._flaps % 2:
            return Response("busy", status=503)
        if body["event"] == "opened":
            self.taken[name, ci] += 1
            self.keys.setdefault((name, ci), set()).add(body["idempotency_key"])
        return Response(status=204)

    def heard(self, name: str) -> set[str]:
        """The failures of which that one was told."""
        return {ci for far, ci in self.taken if far == name}


@pytest.fixture
def far(httpserver: HTTPServer) -> Far:
    return Far(httpserver)


@pytest.fixture
def hanging() -> Iterator[str]:
    with odd_peer(silent) as port:
        yield f"http://{LOOPBACK}:{port}/hook"


def settings(far: Far, hanging: str, patience: str) -> dict[str, Any]:
    notifiers = [
        {"name": "hangs", "type": "webhook", "url": hanging, "timeout": patience},
        *({"name": name, "type": "webhook", "url": far.url(name)} for name in ("good", "refuses", "flaps", "spare")),
    ]
    return {
        "notifiers": notifiers,
        "notify": [{"to": ["hangs", "good", "refuses", "flaps"], "when": {"event": "opened"}}],
        "delivery": {"fallback": "spare", "fallback_after": 3, "retry_first": "1s"},
        "incidents": {"settle": "1s", "resolve_after": "1h"},
    }


def test_dead_channels_delay_nobody_and_lose_nothing_over_a_power_cut(far: Far, hanging: str, tmp_path: Path) -> None:
    with Incidentd(tmp_path, CMDB, **settings(far, hanging, "5m")) as daemon:
        daemon.push(*({"labels": {"alertname": "Down", "ci": ci, "severity": "critical"}} for ci in CIS))
        wait_until("the good one heard all", lambda: far.heard("good") == set(CIS), PATIENCE_S)
        # Nothing that hangs has come to an end yet, so nobody can have waited for it.
        assert {n["state"] for n in notices(daemon) if n["to"] == "hangs"} <= {"pending", "sending"}
        daemon.kill()
        daemon.write_config(**settings(far, hanging, "1s"))
        daemon.start()
        wait_until("everything settled", lambda: not unsettled(daemon), PATIENCE_S)

        rows = notices(daemon)
        dead = [n for n in rows if n["state"] == "dead"]
        failed = json.loads(daemon.cli("notices", "--failed", "--json").stdout)["notices"]
    assert far.heard("good") == set(CIS)
    ends = Counter((n["to"], n["state"]) for n in rows)
    assert ends["refuses", "passed"] == len(CIS)
    assert ends["hangs", "passed"] == len(CIS)
    assert ends["flaps", "passed"] + ends["flaps", "delivered"] == len(CIS)
    # What could not be delivered has ended at the fallback or among the dead letters, and nowhere else.
    assert far.heard("spare") == set(CIS) - {UNTOLD}
    assert {n["to"] for n in dead} == {"spare"}
    assert sorted(n["key"] for n in failed) == sorted(n["key"] for n in dead)
    passed = {f"{n['key']}~spare" for n in rows if n["state"] == "passed"}
    assert passed == {n["key"] for n in rows if n["to"] == "spare"}
    assert passed - {n["key"] for n in dead} == {
        n["key"] for n in rows if (n["to"], n["state"]) == ("spare", "delivered")
    }
    # A notice that went twice, after the power cut, went under the same key.
    delivered = {n["key"] for n in rows if n["state"] == "delivered"}
    assert delivered == {key for keys in far.keys.values() for key in keys}


def notices(daemon: Incidentd) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(daemon.cli("notices", "--limit", "1000", "--json").stdout)["notices"]
    return found


def unsettled(daemon: Incidentd) -> list[str]:
    return [n["key"] for n in notices(daemon) if n["state"] in ("pending", "sending")]
