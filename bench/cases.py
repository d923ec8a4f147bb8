"""Recorded failures of running systems: how often the replay names the right root, beside simple baselines.

A data set is a folder of cases; a case is a folder with `cmdb.yaml`, `events.jsonl` and `truth.json`, whose `root`
lists the ids that count as right. Where the replay reports several incidents, merged ones counted into their target,
the one with most alerts is judged. Where all roots of a data set are of one type, only CIs of that type count as
answers, for the baselines too. The cases with an even place in the sorted list are for tuning, the others for
reporting.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from multiprocessing import get_context
from pathlib import Path

from bench.answers import Ranked, merged, place, ranking
from bench.baselines import BASELINES, OURS, Heard, spoken_of
from cmdb.graph import Estate
from cmdb.importers.yaml_file import load_cmdb
from daemon.replay import INTERVAL, replay
from rules.policy import Policy

METHODS = (OURS, *BASELINES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What every method said to one case. `types` has the type of every CI that is named or right."""

    folder: Path
    right: tuple[str, ...]
    said: Mapping[str, Sequence[Ranked]]
    types: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One case. `places` has the place of a right CI by method; `confidence` is that of the CI we named first."""

    dataset: str
    case: str
    is_tuning: bool
    places: Mapping[str, int | None]
    confidence: float
    named: str | None


def datasets(directory: Path) -> dict[str, list[Path]]:
    """The folders of cases in a directory, by name of the data set, sorted."""
    found: dict[str, list[Path]] = {}
    for truth in sorted(directory.glob("*/*/truth.json")):
        found.setdefault(truth.parent.parent.name, []).append(truth.parent)
    return found


def run(dataset: str, folders: Sequence[Path], *, only_tuning: bool, processes: int = 2) -> Iterator[Judged]:
    """Judge the cases of a data set in their order, or every other one."""
    chosen = folders[::2] if only_tuning else folders
    with get_context("spawn").Pool(processes) as pool:
        answered = list(pool.imap(answer, chosen, chunksize=2))
    types = {case.types[ci] for case in answered for ci in case.right}
    only = types.pop() if len(types) == 1 else None
    tuning = frozenset(folders[::2])
    for case in answered:
        yield _judged(dataset, case, only, is_tuning=case.folder in tuning)


def answer(folder: Path) -> Answered:
    """Run every method over one case."""
    estate = load_cmdb(folder / "cmdb.yaml")
    right = tuple(json.loads((folder / "truth.json").read_text())["root"])
    heard = _heard(estate, folder / "events.jsonl")
    said = {name: [Ranked(ci) for ci in method(estate, heard)] for name, method in BASELINES.items()}
    said[OURS] = _ours(estate, folder / "events.jsonl")
    named = {ranked.ci for ranks in said.values() for ranked in ranks}.union(right)
    return Answered(folder=folder, right=right, said=said, types={ci: estate.ci(ci).type for ci in named})


def _ours(estate: Estate, events: Path) -> list[Ranked]:
    standing = merged(replay(estate, events, Policy(), INTERVAL)["incidents"])
    if not standing:
        return []
    number = max(standing, key=lambda n: sum(len(i["alerts"]) for i in standing[n]))
    return [ranked for ranked in ranking(standing[number][0]) if ranked.ci in estate]


def _heard(estate: Estate, events: Path) -> list[Heard]:
    heard: list[Heard] = []
    for line in events.read_text().splitlines():
        event = json.loads(line)
        ci = spoken_of(estate, event["labels"]) if event["status"] == "firing" else None
        if ci is not None:
            heard.append(Heard(datetime.fromisoformat(event["receivedAt"]).timestamp(), ci))
    return heard


def _judged(dataset: str, case: Answered, only: str | None, *, is_tuning: bool) -> Judged:
    said = {
        name: [ranked for ranked in ranks if only is None or case.types[ranked.ci] == only]
        for name, ranks in case.said.items()
    }
    ours = said[OURS]
    return Judged(
        dataset=dataset,
        case=case.folder.name,
        is_tuning=is_tuning,
        places={name: place([ranked.ci for ranked in said[name]], case.right) for name in METHODS},
        confidence=ours[0].confidence if ours else 0.0,
        named=ours[0].ci if ours else None,
    )
