"""How often the failed component is named right, beside simple baselines on the same alerts."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import cases
from bench.answers import share_within


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    asked = _asked(arguments)
    console = Console()
    if asked.cases is None:
        console.print("no recorded cases: say where they are with --cases DIR", style="dim")
    else:
        _run_cases(console, asked.cases, quick=asked.quick, wrong=asked.wrong)
    return 0


def _asked(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.accuracy", description=__doc__)
    parser.add_argument("--cases", type=Path, metavar="DIR", help="folders of recorded cases")
    parser.add_argument("--wrong", action="store_true", help="list the cases and failures that were named wrong")
    parser.add_argument("--quick", action="store_true", help="only the tuning half of the cases")
    return parser.parse_args(arguments)


def _run_cases(console: Console, directory: Path, *, quick: bool, wrong: bool) -> list[cases.Judged]:
    judged: list[cases.Judged] = []
    for name, folders in cases.datasets(directory).items():
        with console.status(f"{name}: {len(folders)} cases ..."):
            judged += cases.run(name, folders, only_tuning=quick)
    console.print(_cases_table(judged))
    for case in judged if wrong else ():
        if case.is_tuning and case.places[cases.OURS] != 1:
            console.print(f"{case.dataset}/{case.case}: named {case.named}, right one at {case.places[cases.OURS]}")
    return judged


def _cases_table(judged: Sequence[cases.Judged]) -> Table:
    table = Table(title="Recorded cases: top-1/top-3")
    for heading in ("data set", "half", "cases"):
        table.add_column(heading, justify="right" if heading == "cases" else "left")
    for method in cases.METHODS:
        table.add_column(method, justify="right", min_width=9)
    for dataset, is_tuning in sorted({(j.dataset, not j.is_tuning) for j in judged}):
        half = [j for j in judged if j.dataset == dataset and j.is_tuning is not is_tuning]
        by_method = [[j.places[method] for j in half] for method in cases.METHODS]
        shares = [f"{share_within(places, 1):.2f}/{share_within(places, 3):.2f}" for places in by_method]
        table.add_row(dataset, "reporting" if is_tuning else "tuning", str(len(half)), *shares)
    return table


if __name__ == "__main__":
    raise SystemExit(main())
