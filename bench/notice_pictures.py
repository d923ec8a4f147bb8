"""Makes the pictures of docs/notices.md: `make pictures`.

The notices of `bench.notice_stories` are rendered and photographed by a real Chromium. Nothing is typed by hand.
"""

import base64
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bench.notice_stories import lab_config, stories, told
from daemon.config.config import Config
from daemon.lab.estate import lab_estate
from notifiers.base import Action, Extras, Message
from notifiers.drawing.illustration import is_pictured
from rules.document import NoticeContent

PICTURES = Path(__file__).parents[1] / "docs" / "img"
CONSOLE = "https://incidents.dc1.example"
MOST_PX = 1080
"""How much of a long notice is shown: what is further down is a list of alerts."""
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What is photographed: the first notice of this event to this reader in one of the stories."""

    name: str
    story: str
    to: str
    event: str
    width: int = 680
    is_dark: bool = False


SHOTS = (
    Picture(name="operator", story="switch", to="operations-mail", event="opened"),
    Picture(name="manager", story="switch", to="ruth", event="acknowledged"),
    Picture(name="manager-phone", story="switch", to="ruth", event="opened", width=360),
    Picture(name="manager-dark", story="switch", to="ruth", event="resolution_breached", is_dark=True),
    Picture(name="customer-ru", story="switch", to="irina", event="resolved"),
    Picture(name="customer", story="switch", to="carla", event="opened"),
    Picture(name="operator-risk", story="database", to="operations-mail", event="opened"),
    Picture(name="manager-risk", story="database", to="ruth", event="opened"),
    Picture(name="operator-storm", story="storm", to="operations-mail", event="summary"),
    Picture(name="manager-storm", story="storm", to="ruth", event="summary"),
)


def message_of(config: Config, content: NoticeContent) -> Message:
    """The notice as it is sent, with the buttons that operators get."""
    take = Action(verb="acknowledge", label="Acknowledge", url=f"{CONSOLE}/act/token", token="")
    is_for_operators = content.audience == "operator" and content.incident is not None
    estate = lab_estate() if is_pictured(content, is_call=False) else None
    extras = Extras(actions=(take,) if is_for_operators else (), estate=estate)
    return config.messages.renderer(CONSOLE).render(content, sent_at=datetime.fromisoformat(content.at), extras=extras)


def page_of(message: Message) -> str:
    """The page as a mail program shows it, with its picture in place."""
    if message.picture is None:
        return message.html
    image = base64.b64encode(message.picture.png).decode("ascii")
    return message.html.replace(f"cid:{message.picture.id}", f"data:image/png;base64,{image}")


def photograph(browser: str, page: Path, picture: Picture, target: Path) -> None:
    """Have the browser take a picture of the whole page."""
    measure = page.with_suffix(".measure.html")
    script = "<script>document.title = document.documentElement.scrollHeight</script>"
    measure.write_text(page.read_text("utf-8") + script, encoding="utf-8")
    shown = _run(browser, "--dump-dom", f"--window-size={picture.width},200", f"file://{measure}")
    height = min(MOST_PX, int(shown.partition("<title>")[2].partition("<")[0]))
    scheme = ["--blink-settings=preferredColorScheme=0"] if picture.is_dark else []
    _run(
        browser,
        *scheme,
        "--hide-scrollbars",
        f"--screenshot={target}",
        f"--window-size={picture.width},{height}",
        f"file://{page}",
    )


def _run(browser: str, *options: str) -> str:
    words = [browser, "--headless", "--no-sandbox", "--disable-gpu", *options]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def main() -> int:
    """Write every picture."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        print(f"no browser found: looked for {', '.join(BROWSERS)}", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="notices-") as folder:
        config = lab_config(_made(Path(folder) / "lab"))
        played = stories(config, lab_config(_made(Path(folder) / "calm"), is_calm=True))
        for picture in SHOTS:
            message = message_of(config, told(played[picture.story], picture.to, picture.event))
            page, target = Path(folder) / f"{picture.name}.html", PICTURES / f"notice-{picture.name}.png"
            page.write_text(page_of(message), encoding="utf-8")
            photograph(browser, page, picture, target)
            print(f"{target.name}: {target.stat().st_size // 1000} kB, {message.subject}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
