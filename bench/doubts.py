"""How well wrong dependencies are found from history: a week of storms over an estate whose CMDB is then falsified.

For each storm a few plain dependencies are taken out of the CMDB that the replay is given, and a few are put in that
are not there; both of CIs whose provider failed several times, as else there is nothing to learn from. Counted is what
`incidentd cmdb doubts` would name of them, and what it names wrongly.
"""

import argparse
import json
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.dialects import DIALECTS
from bench.faults import HOURS
from bench.runs import Asked, wanted
from bench.storms import Storm, estate_of, storm
from cmdb.graph import Estate
from cmdb.importers.yaml_file import load_cmdb
from daemon.replay import replay_history
from rules.doubt import Doubt, DoubtKind
from rules.doubts import doubts
from rules.policy import Policy
from rules.reach import Reach

TURNS = 14
"""Storms of twelve hours in a row over one estate: a week."""

FALSIFIED = 3
"""Dependencies taken out, and put in, of each CMDB."""

LEAST_FAILURES = 3
"""So often at least had the provider to be down as the root of a failure."""

Edge = tuple[str, str]
"""A CI and what it needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What was falsified and what was said. `true` are doubts that are right, though not one of the falsified edges:
    dependencies that the real estate has by way of another CI."""

    asked: Asked
    removed: tuple[Edge, ...]
    added: tuple[Edge, ...]
    found: tuple[Edge, ...]
    true: tuple[Doubt, ...]
    wrong: tuple[Doubt, ...]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.doubts", description=__doc__)
    parser.add_argument("--estates", type=int, default=3, metavar="N", help="estates of each shape, 1 to 100")
    parser.add_argument("--dialect", choices=tuple(DIALECTS), default="rich", help="how monitoring speaks")
    parser.add_argument("--report", action="store_true", help="the seeds kept for reporting, not those for tuning")
    parser.add_argument("--list", action="store_true", help="name what was missed and what was wrong")
    asked = parser.parse_args(arguments)
    if not 1 <= asked.estates <= 100:
        parser.error(f"--estates is {asked.estates}; allowed: 1 to 100")
    console = Console()
    with get_context("spawn").Pool(2) as pool:
        outcomes = list(pool.imap(one, wanted(asked.estates, [asked.dialect], report=asked.report)))
    console.print(table(outcomes))
    if asked.list:
        for line in (line for outcome in outcomes for line in _listed(outcome)):
            console.print(line, soft_wrap=True, highlight=False)
    return 0


def one(asked: Asked) -> Outcome:
    """Make a week of storms, falsify the CMDB, replay, and judge the doubts."""
    turns = [storm(asked.shape, asked.seed, asked.dialect, turn=turn) for turn in range(TURNS)]
    real = estate_of(turns[0].cmdb["cis"])
    removed, added = falsified(real, turns, Random("-".join(map(str, asked))))
    with tempfile.TemporaryDirectory(prefix="doubts-") as folder:
        cmdb, events = Path(folder, "cmdb.yaml"), Path(folder, "events.jsonl")
        cmdb.write_text(json.dumps({"cis": _changed(turns[0].cmdb["cis"], removed, added)}))
        events.write_text("".join(f"{json.dumps(e)}\n" for e in _in_a_row(turns)))
        estate = load_cmdb(cmdb)
        said = doubts(estate, replay_history(estate, events, Policy()))
    return _outcome(asked, real, removed, added, said)


def falsified(real: Estate, turns: Sequence[Storm], chance: Random) -> tuple[list[Edge], list[Edge]]:
    """The dependencies to take out and to put in, of providers that failed often; each of another CI."""
    failed = Counter(f.root for turn in turns for f in turn.failures)
    heard = Counter(s.ci for turn in turns for s in turn.symptoms.values() if s.causes)
    often = sorted(ci for ci, times in failed.items() if times >= LEAST_FAILURES)
    there = [(ci, root) for root in often for ci in real.upward.hard.get(root, ()) if heard[ci]]
    removed = chance.sample(there, min(FALSIFIED, len(there)))
    busy = {ci for edge in removed for ci in edge}
    quiet = [ci for ci in real.ids() if heard[ci] and ci not in busy]
    absent = [(ci, root) for root in often for ci in quiet if _could_be(real, ci, root)]
    reach = Reach(real)
    apart = [(ci, root) for ci, root in absent if ci not in reach.whole(root) and root not in reach.whole(ci)]
    return removed, chance.sample(apart, min(FALSIFIED, len(apart)))


def _could_be(real: Estate, ci: str, root: str) -> bool:
    """Whether others of the same types depend on each other in this way."""
    peers = (p for p in real.providers(ci) if p != root)
    return ci != root and any(real.ci(p).type == real.ci(root).type for p in peers)


def _changed(cis: Sequence[Mapping[str, Any]], removed: Sequence[Edge], added: Sequence[Edge]) -> list[Any]:
    changed = []
    for ci in cis:
        gone = {p for c, p in removed if c == ci["id"]}
        kept = [n for n in ci["depends_on"] if not (isinstance(n, str) and n in gone)]
        changed.append({**ci, "depends_on": [*kept, *(p for c, p in added if c == ci["id"])]})
    return changed


def _in_a_row(turns: Sequence[Storm]) -> Iterator[Mapping[str, Any]]:
    """The events of all turns, each as much later as the turns before it last."""
    every = [
        {**e, **{key: _moved(e[key], timedelta(hours=HOURS) * n) for key in ("receivedAt", "startsAt", "endsAt")}}
        for n, turn in enumerate(turns)
        for e in turn.events
    ]
    yield from sorted(every, key=lambda e: str(e["receivedAt"]))


def _moved(spelled: str, by: timedelta) -> str:
    at = datetime.fromisoformat(spelled)
    return spelled if at.year == 1 else (at + by).isoformat(timespec="milliseconds")


def _outcome(
    asked: Asked, real: Estate, removed: Sequence[Edge], added: Sequence[Edge], said: Sequence[Doubt]
) -> Outcome:
    falsified = {(DoubtKind.MISSING, edge) for edge in removed} | {(DoubtKind.FALSE, edge) for edge in added}
    others = [d for d in said if (d.kind, (d.ci, d.needs)) not in falsified]
    reach = Reach(real)
    true = [d for d in others if d.kind is DoubtKind.MISSING and d.ci in reach.whole(d.needs)]
    return Outcome(
        asked=asked,
        removed=tuple(removed),
        added=tuple(added),
        found=tuple((d.ci, d.needs) for d in said if (d.kind, (d.ci, d.needs)) in falsified),
        true=tuple(true),
        wrong=tuple(d for d in others if d not in true),
    )


def table(outcomes: Sequence[Outcome]) -> Table:
    """A row for each estate and one for all."""
    headings = ("estate", "missing found", "false found", "right otherwise", "wrong: missing", "wrong: false")
    shown = Table(*headings, title=f"Doubts after {TURNS * HOURS / 24:.0f} days of storms")
    shown.columns[0].no_wrap = True
    for column in shown.columns[1:]:
        column.justify = "right"
    for outcome in outcomes:
        shown.add_row(f"{outcome.asked.shape} {outcome.asked.seed}", *_figures([outcome]))
    shown.add_section()
    shown.add_row("all", *_figures(outcomes))
    return shown


def _figures(outcomes: Sequence[Outcome]) -> list[str]:
    removed = [edge in o.found for o in outcomes for edge in o.removed]
    added = [edge in o.found for o in outcomes for edge in o.added]
    wrong = Counter(d.kind for o in outcomes for d in o.wrong)
    return [
        f"{sum(removed)} of {len(removed)}",
        f"{sum(added)} of {len(added)}",
        str(sum(len(o.true) for o in outcomes)),
        str(wrong[DoubtKind.MISSING]),
        str(wrong[DoubtKind.FALSE]),
    ]


def _listed(outcome: Outcome) -> Iterator[str]:
    name = f"{outcome.asked.shape} {outcome.asked.seed}"
    for word, edges in (("missing", outcome.removed), ("false", outcome.added)):
        yield from (f"{name}: not found, {word}: {c} -> {p}" for c, p in edges if (c, p) not in outcome.found)
    yield from (f"{name}: right otherwise, {d.odds}:1: {d.words}" for d in outcome.true)
    yield from (f"{name}: wrong, {d.odds}:1: {d.words}" for d in outcome.wrong)


if __name__ == "__main__":
    raise SystemExit(main())
