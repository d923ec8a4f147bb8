"""The made-up data centre as a whole: about 200 CIs, the same every time, and its CMDB file."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from cmdb.graph import Estate
from cmdb.model import CI, Dependency, Strength
from daemon.lab.machine_room import machine_room
from daemon.lab.services import services

HEADER = """\
# The lab's made-up data centre. The lab writes this file anew at every start: copy it before you change it.
# `incidentd spof --config incidentd.yaml` reads it; docs/lab.md has the picture.
"""


@cache
def lab_cis() -> tuple[CI, ...]:
    """Every CI, in the order of the file."""
    return (*machine_room(), *services())


@cache
def lab_estate() -> Estate:
    """The same as a graph."""
    return Estate.of(lab_cis())


def write_cmdb(path: Path) -> None:
    """Write the data centre as a CMDB file such as an owner would keep."""
    body = yaml.safe_dump(
        {"cis": [_entry(ci) for ci in lab_cis()]}, sort_keys=False, width=110, default_flow_style=None
    )
    path.write_text(HEADER + body, encoding="utf-8")


def _entry(ci: CI) -> dict[str, Any]:
    entry: dict[str, Any] = {"id": ci.id, "type": ci.type}
    if ci.name:
        entry["name"] = ci.name
    if ci.criticality is not None:
        entry["criticality"] = ci.criticality.name.lower()
    if ci.owner:
        entry["owner"] = ci.owner
    if ci.aliases:
        entry["aliases"] = list(ci.aliases)
    if ci.match:
        entry["match"] = [dict(labels) for labels in ci.match]
    if ci.depends_on:
        entry["depends_on"] = [_need(d) for d in ci.depends_on]
    return entry


def _need(dependency: Dependency) -> str | dict[str, Any]:
    soft = {"strength": "soft"} if dependency.strength is Strength.SOFT else {}
    if len(dependency.providers) > 1:
        return {"any_of": list(dependency.providers), "need": dependency.need, **soft}
    return {"ci": dependency.providers[0], **soft} if soft else dependency.providers[0]
