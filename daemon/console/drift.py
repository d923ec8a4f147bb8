"""Drift: what the CMDB's files hold by now that the daemon has not loaded, and whether it could load them."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from cmdb.difference import Difference, difference
from cmdb.graph import Estate
from cmdb.problems import Problem
from daemon.api.access import Caller
from daemon.api.ports import Ports
from daemon.config.estate import load_estate
from daemon.console.background import Answer, Background, Progress
from daemon.console.pages import Pages
from daemon.console.visitor import visit
from daemon.errors import ConfigError

PER_PAGE = 100
MOST_PROBLEMS = 100
MOST_SHIFTS = 100
_State = tuple[object, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """What came of reading the files at `read_at`: either the `problems` for which they cannot be loaded, or how they
    differ from the CMDB in force."""

    read_at: datetime
    problems: tuple[Problem, ...] = ()
    difference: Difference | None = None


class Drifts:
    """Compares the CMDB in force with its files, anew whenever either has changed."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._working: Background[Drift] = Background(ports.clock)
        self._lock = threading.Lock()
        self._key: tuple[Estate, _State] | None = None

    def ask(self, estate: Estate, files: Sequence[Path]) -> Answer[Drift]:
        """The drift of these files, worked out in the background where it takes long."""
        at = self._ports.clock.now()
        # As the files were before they are read: whoever changes them meanwhile makes the next answer another one.
        state = tuple(_state_of(file) for file in files)
        with self._lock:
            if self._key is None or self._key[0] is not estate or self._key[1] != state:
                self._key = estate, state
            key = self._key
        return self._working.ask(key, lambda on_progress: _drift(estate, files, at, on_progress))


def _state_of(file: Path) -> _State:
    try:
        found = file.stat()
    except OSError as error:
        return str(file), error.errno
    return str(file), found.st_mtime_ns, found.st_size, found.st_ino


def _drift(estate: Estate, files: Sequence[Path], at: datetime, on_progress: Progress) -> Drift:
    try:
        now = load_estate(files)
    except ConfigError as error:
        return Drift(read_at=at, problems=error.problems)
    return Drift(read_at=at, difference=difference(estate, now, on_progress=on_progress))


def add_drift(router: APIRouter, ports: Ports, pages: Pages) -> None:
    """/cis/drift."""
    drifts = Drifts(ports)

    @router.get("/cis/drift")
    def show(
        request: Request,
        caller: Annotated[Caller, Depends(visit(ports))],
        offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    ) -> Response:
        estate, files = ports.estate(), ports.cmdb_files()
        answer = drifts.ask(estate, files)
        found = answer.value.difference if answer.value is not None else None
        total, page = _page(found, offset)
        return pages.page(
            request,
            caller,
            "drift.html",
            answer=answer,
            drift=answer.value,
            difference=found,
            estate=estate,
            files=files,
            rows=page,
            total=total,
            offset=offset,
            most=PER_PAGE,
            most_problems=MOST_PROBLEMS,
            most_shifts=MOST_SHIFTS,
        )


def _page(found: Difference | None, offset: int) -> tuple[int, list[tuple[str, object]]]:
    """How many CIs differ, and those of one page: those that go, then those that change, then those that come."""
    if found is None:
        return 0, []
    parts = (("goes", found.removed), ("changes", found.changed), ("comes", found.added))
    total, start, page = sum(len(cis) for _, cis in parts), offset, list[tuple[str, object]]()
    for word, cis in parts:
        page += [(word, ci) for ci in cis[start : start + PER_PAGE - len(page)]]
        start = max(start - len(cis), 0)
    return total, page
