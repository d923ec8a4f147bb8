"""The figures as tables for people."""

from collections.abc import Mapping, Sequence

from rich.table import Table

from bench.baselines import ONLINE
from bench.cases import METHODS, Judged
from bench.figures import Figures, grouped, halves, shares, storm_figures
from bench.runs import Asked
from bench.score import Score
from bench.verdict import Verdict

_ROWS = (
    ("storms", "storms", "{:.0f}", ""),
    ("visible failures", "failures", "{:.0f}", ""),
    ("roots without an alert", "silent", "{:.2f}", ""),
    ("top-1", "top1", "{:.3f}", ">= 0.86"),
    ("top-3", "top3", "{:.3f}", ">= 0.96"),
    ("incidents per failure", "incidents_per_failure", "{:.2f}", "<= 1.05"),
    ("incidents mixing failures", "mixed", "{:.3f}", "<= 0.01"),
    ("noise-only per failure", "noise_only_per_failure", "{:.2f}", "<= 1"),
    ("failures missed", "missed", "{:.0f}", "0"),
    ("median time to open, s", "delay_s", "{:.1f}", "<= 15"),
    ("services: precision", "precision", "{:.3f}", ">= 0.96"),
    ("services: recall", "recall", "{:.3f}", ">= 0.96"),
)


def storms_table(figures: Mapping[str, Figures], title: str) -> Table:
    """One column for each dialect and one for all, with the goal beside."""
    table = Table("", *figures, "goal", title=title)
    for column in table.columns[1:]:
        column.justify = "right"
    for heading, key, form, goal in _ROWS:
        table.add_row(heading, *(form.format(of[key]) for of in figures.values()), goal)
    return table


def peers_table(scores: Mapping[Asked, Score]) -> Table:
    """Top-1/top-3 of every method over the same failures."""
    title = "Storms: top-1/top-3 (all but incidentd and the online one are told which alerts belong together)"
    table = _methods(title, "dialect", "shape", "failures", methods=(*METHODS, ONLINE))
    for (dialect, shape), judged in grouped(scores).items():
        places = [v.places for s in judged for v in s.verdicts]
        table.add_row(dialect, shape, str(len(places)), *_shares(places))
    return table


def cases_table(judged: Sequence[Judged], title: str) -> Table:
    """Top-1/top-3 of every method, for each half of each data set."""
    table = _methods(f"{title}: top-1/top-3", "data set", "half", "cases")
    for dataset, half, found in halves(judged):
        table.add_row(dataset, half, str(len(found)), *_shares([j.places for j in found]))
    return table


def scenarios_table(verdicts: Sequence[Verdict]) -> Table:
    """A row for each named scenario: what came out, and whether it passed."""
    caption = (
        "roots and services that were right when looked at; incidents that stand; stray: alerts in the wrong one or in "
        "none; noise: incidents and notices of nothing; cycles until opened; turns: changes of the root people saw"
    )
    table = Table("scenario", "", title="Named scenarios", caption=caption)
    for heading in ("roots", "inc.", "stray", "noise", "serv.", "cycles", "turns"):
        table.add_column(heading, justify="right", no_wrap=True)
    for v in verdicts:
        cycles = "never" if v.cycles is None else str(v.cycles)
        counts = (str(v.incidents), str(v.misplaced), str(v.noise))
        passed = "FAIL" if v.faults else "pass"
        table.add_row(v.name, passed, _share(v.roots), *counts, _share(v.services), cycles, str(v.root_changes))
    return table


def _share(counts: tuple[int, int]) -> str:
    return f"{counts[0]}/{counts[1]}"


def _methods(title: str, *headings: str, methods: Sequence[str] = METHODS) -> Table:
    table = Table(title=title)
    for heading in headings:
        table.add_column(heading, justify="right" if heading == headings[-1] else "left")
    for method in methods:
        table.add_column(method, justify="right", min_width=7)
    return table


def _shares(places: Sequence[Mapping[str, int | None]]) -> list[str]:
    return [f"{top1:.2f}/{top3:.2f}" for top1, top3 in shares(places).values()]


def figures_by_dialect(scores: Mapping[Asked, Score]) -> dict[str, Figures]:
    """The figures of each dialect, and of all."""
    groups = {dialect: judged for (dialect, shape), judged in grouped(scores).items() if shape == "all"}
    return {dialect: storm_figures(judged) for dialect, judged in groups.items()}
