"""Takes the pictures of the console for the manual from a running daemon: `incidentd lab up --open --no-scenario` with
`tor-3a`, then `tor-1a` and `report-db` broken, and with something else in its CMDB's file.

Each page is opened in a real Chromium: on a desk, and in the dark on a phone. Nothing leaves the loopback. The lab has
no users, requests, problems and changes of its own: some are made first, once.
"""

import argparse
import io
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import requests
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from daemon.api.ports import COOKIE
from daemon.clock import SystemClock

_DESK, _PHONE, _GAP = (1280, 860), (390, 860), 24
PAGES = (
    ("board", "/"),
    ("events", "/events"),
    ("incident", "/incidents/INC-1"),
    ("requests", "/requests"),
    ("request", "/requests/REQ-1"),
    ("problems", "/problems"),
    ("problem", "/problems/PRB-1"),
    ("changes", "/changes"),
    ("change", "/changes/CHG-1"),
    ("new-change", "/changes/new"),
    ("search", "/cis?text=host"),
    ("ci", "/cis/tor-3a"),
    ("what-if", "/cis/what-if?ci=core-1&ci=core-2"),
    ("map", "/cis/map?ci=tor-3a&up=4&fold=provider"),
    ("spof", "/cis/spof"),
    ("unmapped", "/cis/unmapped"),
    ("doubts", "/cis/doubts"),
    ("drift", "/cis/drift"),
    ("services", "/services"),
    ("service", "/services/checkout"),
    ("status", "/status"),
    ("status-service", "/status/checkout"),
    ("portal", "/portal?service=checkout&title=I+cannot+pay"),
    ("ticket", "/portal/INC-1"),
    ("overview", "/overview"),
    ("reports", "/reports"),
    ("figure", "/reports/incidents"),
    ("definitions", "/reports/definitions"),
    ("rules", "/admin"),
    ("try", "/admin/try"),
    ("silences", "/admin/silences"),
    ("on-call", "/admin/oncall"),
    ("notices", "/admin/notices"),
    ("users", "/admin/users"),
    ("tokens", "/admin/tokens"),
    ("audit", "/admin/audit"),
    ("login", "/login"),
)
"""Name and page: each in the light on a desk, and beside it in the dark on a phone."""
ACCOUNT = ("account", "/account")
"""Of somebody who has logged in."""
DARK = (
    ("board-dark", "/"),
    ("incident-dark", "/incidents/INC-1"),
    ("map-impact", "/cis/map?focus=impact&up=8&down=1"),
)
"""Those of which there is a picture in the dark on a desk, too."""
_COLOURS = 256
"""As many as a picture keeps: pages have few, and pictures of them should be light."""
_USERS = (("anna", "operator", "network"), ("ben", "manager", ""), ("carla@example.net", "reporter", ""))
_REQUESTS: tuple[dict[str, Any], ...] = (
    {"title": "A second screen for the control room", "description": "For the new wall.", "group": "it-workplace"},
)
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
    anna = _let_in(asked.url)
    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu"]
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=options)
        for name, path in (*PAGES, ACCOUNT):
            session = anna if (name, path) == ACCOUNT else ""
            desk = _taken(browser, asked.url + path, _DESK, "light", session)
            phone = _taken(browser, asked.url + path, _PHONE, "dark", session)
            _keep(_beside(desk, phone), asked.into / f"console-{name}.png")
            print(f"{name}: {path}")
        for name, path in DARK:
            _keep(_taken(browser, asked.url + path, _DESK, "dark"), asked.into / f"console-{name}.png")
        browser.close()
    return 0


def _fill(url: str) -> None:
    """Make problems and changes, where this has not been done before."""
    now = SystemClock().now().replace(second=0, microsecond=0)
    planned = [
        {**body, "starts_at": (now + timedelta(hours=b)).isoformat(), "ends_at": (now + timedelta(hours=e)).isoformat()}
        for body, b, e in _CHANGES
    ]
    for kind, bodies in (("requests", _REQUESTS), ("problems", _PROBLEMS), ("changes", planned)):
        if requests.get(f"{url}/api/v1/{kind}", timeout=30).json()[kind]:
            continue
        for body in bodies:
            made = requests.post(f"{url}/api/v1/{kind}", json=body, timeout=30)
            if made.status_code != 201:
                raise SystemExit(f"{url} answered {made.status_code}: {made.text}")
    requests.post(f"{url}/api/v1/changes/CHG-1/step", json={"step": "approve"}, timeout=30)


def _let_in(url: str) -> str:
    """Let a few people in, where they are not yet; the session of the first, with a new password."""
    page, here = requests.get(f"{url}/admin/users", timeout=30).text, {"Origin": url}
    for name, role, groups in _USERS:
        if name not in page:
            form = {"do": "add", "name": name, "role": role, "groups": groups}
            requests.post(f"{url}/admin/users", data=form, headers=here, timeout=30).raise_for_status()
    first = _USERS[0][0]
    made = requests.post(f"{url}/admin/users", data={"do": "password", "name": first}, headers=here, timeout=30).text
    password = made.partition('class="secret">')[2].partition("<")[0]
    form = {"name": first, "password": password}
    answer = requests.post(f"{url}/login", data=form, headers=here, timeout=30, allow_redirects=False)
    return answer.cookies[COOKIE]


def _taken(browser: Browser, url: str, size: tuple[int, int], scheme: str, session: str = "") -> Image.Image:
    width, height = size
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)  # type: ignore[arg-type]
    if session:
        context.add_cookies([{"name": COOKIE, "value": session, "url": url}])
    page = context.new_page()
    answer = page.goto(url, wait_until="load")
    if answer is None or answer.status != 200:
        raise SystemExit(f"{url} answered {answer.status if answer else 'nothing'}")
    page.wait_for_timeout(500)  # the script has put times into the reader's zone by then
    image = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    context.close()
    return image


def _beside(desk: Image.Image, phone: Image.Image) -> Image.Image:
    both = Image.new("RGB", (desk.width + _GAP + phone.width, desk.height), "white")
    both.paste(desk, (0, 0))
    both.paste(phone, (desk.width + _GAP, 0))
    return both


def _keep(image: Image.Image, into: Path) -> None:
    image.quantize(_COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(into, optimize=True)


if __name__ == "__main__":
    raise SystemExit(main())
