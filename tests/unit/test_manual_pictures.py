"""Every picture that the manual shows is there, and every one that is there is shown."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_pictures_of_the_manual_are_there_and_shown() -> None:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    shown = {
        Path(found).name for page in pages for found in re.findall(r"\(([^)]*img/[^)]+)\)", page.read_text("utf-8"))
    }
    assert shown == {path.name for path in (ROOT / "docs" / "img").iterdir()}
