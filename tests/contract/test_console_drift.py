"""The page that compares the CMDB in force with its files."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cmdb.importers.yaml_file import load_cmdbs
from daemon.console.routes import console_routes
from tests.contract.api_world import Session, World, serve

FIRST = """cis:
  - {id: sw-1, type: switch, owner: network}
  - {id: sw-2, type: switch, owner: network}
  - {id: old, type: host}
  - {id: web, type: host, name: Web, depends_on: [{any_of: [sw-1, sw-2], need: 1}]}
"""
SERVICES = """cis:
  - {id: shop, type: business-service, name: Shop, criticality: high, depends_on: [web]}
"""


class Files:
    """Two files of a CMDB, and a console whose daemon has read them."""

    def __init__(self, directory: Path) -> None:
        self.paths = (directory / "cmdb.yaml", directory / "services.yaml")
        for path, text in zip(self.paths, (FIRST, SERVICES), strict=True):
            path.write_text(text)
        self.estate = load_cmdbs(self.paths)
        self._changes = 0

    def write(self, number: int, text: str) -> None:
        """The owner saves a file; at a time of its own, as between two looks of a person."""
        self.paths[number].write_text(text)
        self._changes += 1
        at = 1_000_000_000 + self._changes
        os.utime(self.paths[number], (at, at))


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


@pytest.fixture
def drifting(tmp_path: Path, files: Files) -> Iterator[World]:
    yield from serve(
        tmp_path,
        "open",
        lambda p: replace(p, estate=lambda: files.estate, cmdb_files=lambda: files.paths),
        console_routes,
    )


def page_of(world: World, http: Session, query: str = "") -> str:
    """The page once the comparison is done."""
    for _ in range(200):
        page = http.get(f"{world.url}/cis/drift{query}").text
        if "are being read" not in page:
            return page
    raise AssertionError("it is never worked out")


def test_files_as_they_were_read_show_no_drift(drifting: World, http: Session, files: Files) -> None:
    page = page_of(drifting, http)
    assert "No drift" in page
    assert str(files.paths[1]) in page
    files.write(0, FIRST.replace("cis:\n", "# a remark changes nothing\ncis:\n"))
    assert "No drift" in page_of(drifting, http)


def test_what_a_reload_would_change_is_shown_ci_by_ci_and_for_services(
    drifting: World, http: Session, files: Files
) -> None:
    edited = FIRST.replace("  - {id: old, type: host}\n", "  - {id: fresh, type: host}\n")
    edited = edited.replace("owner: network}\n  - {id: sw-2", "owner: core}\n  - {id: sw-2")
    files.write(0, edited.replace("depends_on: [{any_of: [sw-1, sw-2], need: 1}]", "depends_on: [sw-1]"))
    page = page_of(drifting, http)
    for said in ("fresh", "is new", "goes", "old", "1 of sw-1 | sw-2", "core", "network"):
        assert said in page, said
    services = page.partition("For business services")[2].partition("CI by CI")[0]
    row = services.partition("sw-1")[2].partition("</tr>")[0]
    assert row.index("at risk") < row.index(">down<")
    assert "Shop" in row
    row = services.partition(">sw-2<")[2].partition("</tr>")[0]
    assert row.index("at risk") < row.index(">up<")
    files.estate = load_cmdbs(files.paths)
    assert "No drift" in page_of(drifting, http), "a reload ends it"


def test_files_that_cannot_be_loaded_are_said_with_file_and_line(drifting: World, http: Session, files: Files) -> None:
    files.write(1, SERVICES + "  - {id: web, type: host}\n  - {id: x, needs: y}\n")
    page = page_of(drifting, http)
    assert "2 mistakes stand" in page
    assert f"<code>{files.paths[1]}:3</code> the id &#34;web&#34; stands here twice" in page
    assert f"{files.paths[0]}:5" in page
    assert f"<code>{files.paths[1]}:4</code> unknown key &#34;needs&#34;" in page
    files.paths[1].unlink()
    assert "the file cannot be read" in page_of(drifting, http)
    files.write(1, SERVICES)
    assert "No drift" in page_of(drifting, http)


def test_names_in_the_files_are_only_text(drifting: World, http: Session, files: Files) -> None:
    bad = "<script>alert(1)</script>"
    files.write(0, FIRST.replace("name: Web", f"name: '{bad}'") + f"  - {{id: '{bad}', type: '{bad}'}}\n")
    page = page_of(drifting, http)
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page
    files.write(0, FIRST + f"  - {{'{bad}': 1}}\n")
    page = page_of(drifting, http)
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page


def test_much_drift_comes_in_pages(drifting: World, http: Session, files: Files) -> None:
    files.write(0, FIRST + "".join(f"  - {{id: n{n:04}}}\n" for n in range(250)))
    first, last = page_of(drifting, http), page_of(drifting, http, "?offset=200")
    assert ("n0000" in first, "n0249" in first, "offset=100" in first) == (True, False, True)
    assert ("n0249" in last, "offset=300" in last) == (True, False)
    assert "That is all" in page_of(drifting, http, "?offset=900")
    assert http.get(f"{drifting.url}/cis/drift?offset=-1").status_code == 400


def test_a_cmdb_of_no_file_has_no_drift(tmp_path: Path, http: Session) -> None:
    for world in serve(tmp_path, "open", lambda p: p, console_routes):
        assert "comes from no file" in http.get(f"{world.url}/cis/drift").text
