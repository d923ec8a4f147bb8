"""How often the failed component is named right: in named scenarios, and beside simple baselines in made-up storms and
recorded cases.

Storms and cases of a mesh come from seeds for tuning unless --report asks for those kept for reporting; no setting may
be chosen by what the latter show. Recorded cases are judged where --cases says where they are.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import track

from bench import cases, meshcases, runs
from bench.baselines import OURS
from bench.dialects import DIALECTS
from bench.figures import answers, calibration, halves, shares
from bench.plot import calibration_svg
from bench.scenarios import SCENARIOS
from bench.score import Score
from bench.storms import TUNING
from bench.tables import cases_table, figures_by_dialect, peers_table, scenarios_table, storms_table
from bench.verdict import Verdict, judge

Storms = dict[runs.Asked, Score]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    asked = _asked(arguments)
    console = Console(width=None if sys.stdout.isatty() else 120)
    verdicts = [] if asked.quick else _play_scenarios(console)
    storms = {} if asked.quick or not asked.storms else _run_storms(console, asked)
    judged = [] if asked.quick or not asked.mesh else _run_mesh(console, asked)
    if asked.cases is None:
        console.print("no recorded cases: say where they are with --cases DIR", style="dim")
    else:
        judged += _run_cases(console, asked)
    if asked.wrong:
        _list_wrong(console, storms, judged)
    if asked.json:
        asked.json.write_text(json.dumps(_document(asked, verdicts, storms, judged), indent=2) + "\n")
    if asked.plot:
        asked.plot.write_text(_plot(storms, judged))
    return 0


def _asked(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.accuracy", description=__doc__)
    parser.add_argument("--storms", type=int, default=4, metavar="N", help="storms of each shape and dialect, 0 to 100")
    parser.add_argument("--dialect", choices=tuple(DIALECTS), action="append", help="only this one, may be repeated")
    parser.add_argument("--mesh", type=int, default=20, metavar="N", help="made-up cases of a mesh, 0 to 100")
    parser.add_argument("--report", action="store_true", help="the storms kept for reporting, not those for tuning")
    parser.add_argument("--cases", type=Path, metavar="DIR", help="folders of recorded cases")
    parser.add_argument("--quick", action="store_true", help="the tuning half of the cases and nothing else")
    parser.add_argument("--wrong", action="store_true", help="list what of the tuning part was named wrong")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--plot", type=Path, metavar="FILE.svg", help="write a plot of the confidence there")
    asked = parser.parse_args(arguments)
    if not 0 <= asked.storms <= len(TUNING):
        parser.error(f"--storms is {asked.storms}; allowed: 0 to {len(TUNING)}")
    if not 0 <= asked.mesh <= len(TUNING):
        parser.error(f"--mesh is {asked.mesh}; allowed: 0 to {len(TUNING)}")
    return asked


def _play_scenarios(console: Console) -> list[Verdict]:
    played = track(SCENARIOS.values(), "named scenarios", console=console, transient=True)
    verdicts = [judge(scenario) for scenario in played]
    console.print(scenarios_table(verdicts))
    for v in verdicts:
        if v.faults:
            console.print(f"{v.name}: {'; '.join(v.faults)}", highlight=False)
    return verdicts


def _run_storms(console: Console, asked: argparse.Namespace) -> Storms:
    wanted = runs.wanted(asked.storms, asked.dialect or tuple(DIALECTS), report=asked.report)
    began = time.monotonic()
    done = track(runs.run(wanted), "storms", total=len(wanted), console=console, transient=True)
    storms = dict(done)
    seeds = "for reporting" if asked.report else "for tuning"
    title = f"Storms, seeds {seeds}, {time.monotonic() - began:.0f} s"
    console.print(storms_table(figures_by_dialect(storms), title), peers_table(storms))
    return storms


def _run_mesh(console: Console, asked: argparse.Namespace) -> list[cases.Judged]:
    """The cases for tuning; those for reporting beside them where asked for."""
    with tempfile.TemporaryDirectory(prefix="mesh-") as folder:
        written = meshcases.write(Path(folder), asked.mesh)
        found = cases.run(meshcases.DATASET, written, only_tuning=not asked.report)
        total = len(written) if asked.report else asked.mesh
        judged = list(track(found, "mesh cases", total=total, console=console, transient=True))
    console.print(cases_table(judged, "Made-up cases of a mesh"))
    return judged


def _run_cases(console: Console, asked: argparse.Namespace) -> list[cases.Judged]:
    judged: list[cases.Judged] = []
    for name, folders in track(cases.datasets(asked.cases).items(), "recorded cases", console=console, transient=True):
        judged += cases.run(name, folders, only_tuning=asked.quick)
    console.print(cases_table(judged, "Recorded cases"))
    return judged


def _list_wrong(console: Console, storms: Storms, judged: Sequence[cases.Judged]) -> None:
    for which, score in storms.items():
        for v in score.verdicts if which.seed in TUNING else ():
            if v.places[OURS] != 1:
                silent = ", itself silent" if v.is_silent else ""
                right = f"right at {v.places[OURS]}, {v.symptoms} symptoms{silent}"
                console.print(f"{' '.join(map(str, which))}: {v.root} named {v.named} ({v.confidence:.2f}), {right}")
    for case in judged:
        if case.is_tuning and case.places[OURS] != 1:
            console.print(f"{case.dataset}/{case.case}: named {case.named}, right at {case.places[OURS]}")


def _document(
    asked: argparse.Namespace, verdicts: Sequence[Verdict], storms: Storms, judged: Sequence[cases.Judged]
) -> dict[str, object]:
    places = [v.places for s in storms.values() for v in s.verdicts]
    return {
        "seeds": "reporting" if asked.report else "tuning",
        "scenarios": {v.name: list(v.faults) for v in verdicts},
        "storms": figures_by_dialect(storms) if storms else {},
        "methods": shares(places) if places else {},
        "cases": [
            {"dataset": dataset, "half": half, "cases": len(found), "methods": shares([j.places for j in found])}
            for dataset, half, found in halves(judged)
        ],
    }


def _plot(storms: Storms, judged: Sequence[cases.Judged]) -> str:
    series = {"storms": calibration(answers([v for s in storms.values() for v in s.verdicts]))}
    for name in sorted({j.dataset for j in judged}):
        series[name] = calibration(answers([j for j in judged if j.dataset == name]))
    return calibration_svg({name: bins for name, bins in series.items() if bins})


if __name__ == "__main__":
    raise SystemExit(main())
