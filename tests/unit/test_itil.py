"""The table of what is done of ITIL: every row names tests that are there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TABLE = (ROOT / "docs" / "itil.md").read_text(encoding="utf-8").partition("| ability |")[2]
ROWS = [line for line in TABLE.splitlines()[2:] if line.startswith("|")]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[2:40])
def test_each_ability_names_a_test_that_is_there(row: str) -> None:
    cell = row.rstrip(" |").rpartition(" | ")[2]
    named = re.findall(r"`([^`]+)`", cell)
    assert named, f"no test is named: {row}"
    for name in named:
        file, _, test = name.partition("::")
        assert test, f"{name} names a file, not a test"
        assert re.search(rf"^def {test}\(", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE), name
