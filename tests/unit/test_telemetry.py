"""What the daemon says about itself: metrics that are documented, and words for systemd."""

import re
import socket
from pathlib import Path

import pytest

from daemon.notify_systemd import Systemd
from daemon.telemetry import Metrics

DOCS = Path(__file__).parents[2] / "docs" / "metrics-exported.md"


def test_every_metric_is_documented() -> None:
    documented = set(re.findall(r"`(incidentd_\w+)`", DOCS.read_text(encoding="utf-8")))
    for family in Metrics().registry.collect():
        if family.name.startswith("incidentd_"):
            name = f"{family.name}_total" if family.type == "counter" else family.name
            assert name in documented


def test_systemd_hears_what_it_asked_for(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.settimeout(30)
        systemd = Systemd({"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "30000000"})
        systemd.ready("two\nlines")
        assert listener.recv(1000) == b"READY=1\nSTATUS=two lines"
        systemd.reloading()
        assert re.fullmatch(rb"RELOADING=1\nMONOTONIC_USEC=\d+", listener.recv(1000))
        systemd.alive()
        assert listener.recv(1000) == b"WATCHDOG=1"
        assert systemd.watchdog_s == 30


@pytest.mark.parametrize("environ", [{}, {"NOTIFY_SOCKET": "/nowhere/at/all"}, {"NOTIFY_SOCKET": "vsock:1:2"}])
def test_without_systemd_nothing_happens(environ: dict[str, str]) -> None:
    systemd = Systemd({**environ, "WATCHDOG_USEC": "1", "WATCHDOG_PID": "1"})
    systemd.ready("well")
    systemd.stopping()
    assert systemd.watchdog_s == 0
