"""The map of the estate: the way around one CI or several, under a business service, or of what is failing now."""

from collections.abc import Mapping
from dataclasses import dataclass
from heapq import nsmallest
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response

from cmdb.atlas import DEEPEST, MOST_BOXES, Asked, Atlas, Fold, atlas_of
from cmdb.graph import Estate
from cmdb.impact import TooWide, criticality_of, states
from cmdb.model import CI, State
from daemon.api.access import Caller
from daemon.api.ports import Ports
from daemon.console.ci_page import MOST_ACTIVE, MOST_REACHED, named
from daemon.console.map_drawn import FOLDS, MEASURE, MOST_NAMED, around, levels, map_address, sheet_of
from daemon.console.pages import Pages
from daemon.console.visitor import visit
from daemon.store.rows import Search
from rules.incident import ACTIVE

MOST_IN_MIDDLE = 20
MOST_OPEN = 60
_MOST_SERVICES = 60
Name = Annotated[str, Query(max_length=256)]
Depth = Annotated[int, Query(ge=0, le=DEEPEST)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """How the CIs are now by the open incidents: `failed` at which they began, and the `states` of all that are not up.

    With `is_too_wide` more is hit than can be looked at, and only the failed ones are in it.
    """

    failed: tuple[str, ...]
    states: Mapping[str, State]
    is_too_wide: bool = False


class Troubles:
    """Works out what the open incidents hit; remembers it until they or the estate change."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._known: tuple[Estate, dict[str, State], Trouble] | None = None

    def now(self, estate: Estate) -> Trouble:
        """The trouble of now, among the most urgent incidents; what failed worst comes first."""
        failed = self._failed(estate)
        known = self._known
        if known is not None and known[0] is estate and known[1] == failed:
            return known[2]
        trouble = _trouble(estate, failed)
        self._known = estate, failed, trouble
        return trouble

    def _failed(self, estate: Estate) -> dict[str, State]:
        active = Search(statuses=sorted(map(str, ACTIVE)), sort="priority")
        failed: dict[str, State] = {}
        for incident in self._ports.store.incidents(active, limit=MOST_ACTIVE):
            found = dict.fromkeys(incident.root.beside, State.DOWN)
            if incident.root.ci is not None:
                found[incident.root.ci] = incident.state
            for ci, state in found.items():
                if ci in estate and state > State.UP:
                    failed[ci] = max(failed.get(ci, State.UP), state)
        return failed


def _trouble(estate: Estate, failed: dict[str, State]) -> Trouble:
    worst = tuple(sorted(failed, key=lambda ci: (-failed[ci], ci)))
    try:
        return Trouble(failed=worst, states=states(estate, failed, limit=MOST_REACHED))
    except TooWide:
        return Trouble(failed=worst, states=failed, is_too_wide=True)


def add_map(router: APIRouter, ports: Ports, pages: Pages) -> None:
    """/cis/map."""
    troubles = Troubles(ports)

    @router.get("/cis/map")
    def show(
        request: Request,
        caller: Annotated[Caller, Depends(visit(ports))],
        ci: Annotated[list[Name], Query(max_length=MOST_IN_MIDDLE)] = [],  # noqa: B006
        up: Depth = 2,
        down: Depth = 2,
        fold: Fold = Fold.TYPE,
        open: Annotated[list[Annotated[str, Query(max_length=270)]], Query(max_length=MOST_OPEN)] = [],  # noqa: A002, B006
        focus: Literal["", "impact"] = "",
        at: Annotated[str, Query(max_length=270)] = "",
    ) -> Response:
        estate = ports.estate()
        trouble = troubles.now(estate)
        known, unknown = named(estate, ci)
        asked = Asked(
            middle=known or (trouble.failed[:MOST_IN_MIDDLE] if focus and not unknown else ()),
            up=up,
            down=down,
            fold=fold,
            opened=frozenset(open),
            is_focused=bool(focus),
        )
        atlas = atlas_of(estate, asked, trouble.states, trouble.failed) if asked.middle else None
        values = _start(estate, trouble) if atlas is None else _values(estate, asked, atlas, at)
        return pages.page(
            request,
            caller,
            "map.html",
            estate=estate,
            asked=asked,
            atlas=atlas,
            trouble=trouble,
            unknown=unknown,
            folds=FOLDS,
            levels=levels(),
            most=MOST_IN_MIDDLE,
            **values,
        )


def _values(estate: Estate, asked: Asked, atlas: Atlas, at: str) -> dict[str, Any]:
    """What the template needs for a map."""
    sheet = sheet_of(estate, asked, atlas, at)
    rows = sorted(sheet.boxes, key=lambda d: (not d.box.is_lit, -d.box.node.state, abs(d.box.step), -d.box.step))
    return {
        "sheet": sheet,
        "size": MEASURE,
        "rows": rows,
        "most_boxes": MOST_BOXES,
        "named": MOST_NAMED,
        "middle": [estate.ci(ci) for ci in asked.middle],
        "without": {ci: _without(asked, ci) for ci in asked.middle},
        "folded": map_address(asked, opened=()),
        "deeper": _deeper(asked),
        "other_focus": map_address(asked, is_focused=not asked.is_focused, opened=()),
        "around": {d.box.node.key: map_address(asked, middle=(d.box.node.key,), opened=()) for d in sheet.boxes},
    }


def _without(asked: Asked, ci: str) -> str:
    left = tuple(c for c in asked.middle if c != ci)
    return map_address(asked, middle=left) if left else "/cis/map"


def _deeper(asked: Asked) -> str:
    return map_address(asked, up=min(asked.up + 1, DEEPEST), down=min(asked.down + 1, DEEPEST))


def _start(estate: Estate, trouble: Trouble) -> dict[str, Any]:
    """What the template needs where nothing is in the middle yet: where one may begin."""
    services = estate.business_services
    worst = nsmallest(
        _MOST_SERVICES,
        services,
        key=lambda ci: (-trouble.states.get(ci, State.UP), -criticality_of(estate, ci), ci),
    )
    first: list[tuple[CI, State, str]] = [
        (estate.ci(ci), trouble.states.get(ci, State.UP), around(ci, is_service=True)) for ci in worst
    ]
    return {"services": first, "more_services": len(services) - len(first)}
