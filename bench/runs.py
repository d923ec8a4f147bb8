"""Many storms through the replay, two at a time."""

import tempfile
from collections.abc import Iterator, Sequence
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

from bench.score import Score, score
from bench.shapes import SHAPES
from bench.storms import REPORTING, TUNING, storm
from cmdb.importers.yaml_file import load_cmdb
from daemon.replay import INTERVAL, replay
from rules.policy import Policy


class Asked(NamedTuple):
    """Which storm."""

    shape: str
    dialect: str
    seed: int


def wanted(each: int, dialects: Sequence[str], *, report: bool) -> list[Asked]:
    """So many storms of each shape and of these dialects, from the first seed for tuning, or for reporting, on."""
    seeds = (REPORTING if report else TUNING)[:each]
    return [Asked(shape, dialect, seed) for dialect in dialects for shape in SHAPES for seed in seeds]


def run(asked: Sequence[Asked], processes: int = 2) -> Iterator[tuple[Asked, Score]]:
    """Judge the storms, each handed out when it is done, in the order asked for."""
    with get_context("spawn").Pool(processes) as pool:
        yield from zip(asked, pool.imap(one, asked), strict=True)


def one(asked: Asked) -> Score:
    """Make a storm, replay its files with the default rules, judge what comes out."""
    made = storm(asked.shape, asked.seed, asked.dialect)
    with tempfile.TemporaryDirectory(prefix="storm-") as folder:
        cmdb, events = made.write(Path(folder))
        estate = load_cmdb(cmdb)
        return score(made, estate, replay(estate, events, Policy(), INTERVAL))
