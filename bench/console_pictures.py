"""Takes the pictures of the console for the manual from a running daemon, as in `incidentd lab up --open`.

Each page is opened in a real Chromium: on a desk, and some of them in the dark or on a phone. Nothing leaves the
loopback. The lab has no problems and changes of its own: some are made first, once.
"""

import argparse
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import requests
from playwright.sync_api import Browser, sync_playwright

from daemon.clock import SystemClock

_DESK, _PHONE = (1280, 860), (390, 844)
PICTURES = (
    ("board", "/", _DESK, "light"),
    ("board-dark", "/", _DESK, "dark"),
    ("board-phone", "/", _PHONE, "light"),
    ("incident", "/incidents/INC-1", _DESK, "light"),
    ("incident-phone", "/incidents/INC-1", _PHONE, "dark"),
    ("problems", "/problems", _DESK, "light"),
    ("changes", "/changes", _DESK, "light"),
    ("changes-phone", "/changes", _PHONE, "dark"),
    ("change", "/changes/CHG-1", _DESK, "light"),
    ("ci", "/cis/tor-3a", _DESK, "light"),
    ("ci-phone", "/cis/tor-3a", _PHONE, "dark"),
    ("spof", "/cis/spof", _DESK, "dark"),
    ("map", "/cis/map?ci=tor-3a&up=4&fold=provider", _DESK, "light"),
    ("map-impact", "/cis/map?focus=impact&up=8&down=1", _DESK, "dark"),
    ("map-phone", "/cis/map?ci=tor-3a", _PHONE, "light"),
    ("drift", "/cis/drift", _DESK, "light"),
    ("services", "/services", _DESK, "light"),
    ("services-phone", "/services", _PHONE, "dark"),
    ("portal", "/portal", _DESK, "light"),
    ("portal-phone", "/portal", _PHONE, "dark"),
    ("overview", "/overview", _DESK, "light"),
    ("overview-phone", "/overview", _PHONE, "dark"),
    ("reports", "/reports", _DESK, "light"),
    ("reports-phone", "/reports", _PHONE, "dark"),
    ("events", "/events", _DESK, "dark"),
    ("rules", "/admin", _DESK, "light"),
    ("on-call", "/admin/oncall", _DESK, "dark"),
    ("try", "/admin/try", _DESK, "light"),
)
"""Name, page, size of the window, and whether it is dark."""
_PROBLEMS: tuple[dict[str, Any], ...] = (
    {
        "title": "tor-2b loses its uplink under load",
        "cis": ["tor-2b"],
        "group": "network",
        "cause": "a flaw of its firmware",
        "workaround": "Take the second uplink out, then put it in again.",
    },
    {"title": "Checkout is slow on Monday mornings", "group": "web"},
)
_CHANGES: tuple[tuple[dict[str, Any], float, float], ...] = (
    ({"title": "New firmware for tor-5a", "cis": ["tor-5a"], "group": "network"}, 1, 2.5),
    ({"title": "Rewire rack 5", "cis": ["tor-5a", "tor-5b"], "group": "network"}, 2, 4),
    ({"title": "Failover drill of the databases", "group": "dba"}, 26, 28),
)
"""What is made before: changes with when they begin and end, in hours from now."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Take them all."""
    parser = argparse.ArgumentParser(prog="python -m bench.console_pictures", description=__doc__.splitlines()[0])
    parser.add_argument("url", help="where the daemon answers, as in http://127.0.0.1:8420")
    parser.add_argument("--into", type=Path, default=Path("docs/img"))
    asked = parser.parse_args(arguments)
    _fill(asked.url)
    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu"]
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=options)
        for name, path, size, scheme in PICTURES:
            _take(browser, asked.url + path, asked.into / f"console-{name}.png", size, scheme)
            print(f"{name}: {path}")
        browser.close()
    return 0


def _fill(url: str) -> None:
    """Make problems and changes, where this has not been done before."""
    now = SystemClock().now().replace(second=0, microsecond=0)
    planned = [
        {**body, "starts_at": (now + timedelta(hours=b)).isoformat(), "ends_at": (now + timedelta(hours=e)).isoformat()}
        for body, b, e in _CHANGES
    ]
    for kind, bodies in (("problems", _PROBLEMS), ("changes", planned)):
        if requests.get(f"{url}/api/v1/{kind}", timeout=30).json()[kind]:
            continue
        for body in bodies:
            made = requests.post(f"{url}/api/v1/{kind}", json=body, timeout=30)
            if made.status_code != 201:
                raise SystemExit(f"{url} answered {made.status_code}: {made.text}")
    requests.post(f"{url}/api/v1/changes/CHG-1/step", json={"step": "approve"}, timeout=30)


def _take(browser: Browser, url: str, into: Path, size: tuple[int, int], scheme: str) -> None:
    width, height = size
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    answer = page.goto(url, wait_until="load")
    if answer is None or answer.status != 200:
        raise SystemExit(f"{url} answered {answer.status if answer else 'nothing'}")
    page.wait_for_timeout(500)  # the script has put times into the reader's zone by then
    page.screenshot(path=into)
    context.close()


if __name__ == "__main__":
    raise SystemExit(main())
