"""The served console, and browsers that look at it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

from rules.access import Role
from tests.consoles import Console, console_of, lose_the_switch
from tests.contract.api_world import PASSWORD

__all__ = ["Console", "Visiting", "Visitor", "accessibility", "console_of", "lose_the_switch", "overflow", "visitors"]

AXE = Path(__file__).parent / "axe.min.js"
_TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
_SERIOUS = ("serious", "critical")


@dataclass
class Visitor:
    """Somebody with a browser of their own. What their pages complain of is kept in `complaints`."""

    context: BrowserContext
    url: str
    complaints: list[str] = field(default_factory=list)
    forgiven: list[str] = field(default_factory=list)

    def open(self, path: str = "/") -> Page:
        """A page in a tab of its own, loaded."""
        page = self.context.new_page()
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        page.on("dialog", lambda dialog: self.complaints.append(f"dialog: {dialog.message}"))
        page.goto(self.url + path)
        return page

    def log_in(self, role: Role) -> Page:
        """As the user of that name; the board is what is seen then."""
        page = self.open("/login")
        page.get_by_label("Name").fill(role)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url(self.url + "/")
        return page

    def forgive(self, words: str) -> None:
        """Complaints with these words in them are meant: an answer 409, say, that the browser notes."""
        self.forgiven.append(words)

    def unforgiven(self) -> list[str]:
        """What the pages complained of: errors, scripts that failed, what the security policy forbids, dialogs."""
        return [c for c in self.complaints if not any(words in c for words in self.forgiven)]

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text} {message.location.get('url', '')}")


Visiting = Callable[..., Visitor]


@contextmanager
def visitors(browser: Browser, url: str) -> Iterator[Visiting]:
    """Makes visitors; fails in the end where one of their pages complained."""
    made: list[Visitor] = []

    def visit(*, width: int = 1280, height: int = 800, dark: bool = False, script: bool = True) -> Visitor:
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
            java_script_enabled=script,
            timezone_id="UTC",
            locale="en-GB",
        )
        context.set_default_timeout(15_000)
        made.append(Visitor(context, url))
        return made[-1]

    yield visit
    for visitor in made:
        visitor.context.close()
    assert [v.unforgiven() for v in made] == [[] for _ in made]


def accessibility(page: Page) -> list[str]:
    """What axe-core finds that is serious: the rule, and the places."""
    # By the debugger, which the page's security policy does not bind.
    page.evaluate(AXE.read_text(encoding="utf-8"))
    options = {"runOnly": {"type": "tag", "values": _TAGS}, "resultTypes": ["violations"]}
    found: dict[str, Any] = page.evaluate("options => axe.run(document, options)", options)
    return [
        f"{v['id']}: {v['help']}: " + "; ".join(f"{n['target']} {n['failureSummary']}" for n in v["nodes"][:4])
        for v in found["violations"]
        if v["impact"] in _SERIOUS
    ]


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than the window; nobody should have to scroll sideways."""
    wide: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return wide
