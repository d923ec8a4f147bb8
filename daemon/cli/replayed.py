"""What the commands that replay a recording have in common: their options, and what they answer."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from daemon.cli.lengths import interval_of

if TYPE_CHECKING:
    from datetime import timedelta

    from cmdb.graph import Estate
    from daemon.replay_steps import Step
    from daemon.sources.recording import Recording
    from rules.policy import Policy

Explain = Annotated[bool, typer.Option("--explain", help="Show, step by step, what was known and decided when.")]
OneIncident = Annotated[
    str | None, typer.Option("--incident", metavar="NUMBER", help="Explain one incident only, as in INC-3.")
]
Compare = Annotated[
    Path | None,
    typer.Option(
        "--compare",
        metavar="FILE",
        help="Show what would change: against an earlier --json result, or with the rules of another configuration.",
    ),
]
Interval = Annotated[str, typer.Option("--interval", metavar="TIME", help="Time between two cycles.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a person wants to see of a replay; `incident` is a number, None for all."""

    interval: "timedelta"
    explain: bool
    incident: str | None
    compare: Path | None
    as_json: bool


def asked(interval: str, explain: bool, incident: str | None, compare: Path | None, as_json: bool) -> Asked:
    """The options, checked. Raises typer.BadParameter."""
    if compare is not None and (explain or incident is not None):
        raise typer.BadParameter("--explain and --compare exclude each other", param_hint="--compare")
    return Asked(
        interval=interval_of(interval, "--interval"),
        explain=explain or incident is not None,
        incident=None if incident is None else _key(incident),
        compare=compare,
        as_json=as_json,
    )


def _key(text: str) -> str:
    from rules.incident import incident_key, incident_number

    try:
        return incident_key(incident_number(text))
    except ValueError:
        message = f'"{text[:40]}" is no incident; allowed: a number as in INC-3 or 3'
        raise typer.BadParameter(message, param_hint="--incident") from None


def answer(estate: "Estate", recording: "Recording", policy: "Policy", wanted: Asked) -> None:
    """Replay the recording and print what is wanted. Raises ConfigError where `--compare` names no usable file."""
    from daemon.cli.out import emit
    from daemon.cli.replay_view import show_result
    from daemon.replay import run
    from daemon.replay_steps import Steps

    if wanted.compare is not None:
        _compare(estate, recording, policy, wanted, wanted.compare)
        return
    seen = Steps(recording.spellings)
    result = run(estate, recording, policy, wanted.interval, watch=seen.take if wanted.explain else None)
    steps = _chosen(seen.steps, result, wanted.incident)
    if wanted.as_json:
        emit({**result, "explain": steps} if wanted.explain else result)
        return
    if wanted.explain:
        _show_steps(steps)
    show_result(result)


def _chosen(steps: "list[Step]", result: dict[str, Any], incident: str | None) -> "list[Step]":
    from daemon.cli.out import count
    from daemon.cli.refusal import Refusal
    from daemon.replay_steps import about

    if incident is None:
        return steps
    if all(i["number"] != incident for i in result["incidents"]):
        raise Refusal(f"there is no {incident}: the replay made {count(len(result['incidents']), 'incident')}")
    return about(steps, incident)


def _show_steps(steps: "list[Step]") -> None:
    from daemon.cli.out import say
    from daemon.cli.steps_view import show_steps

    show_steps(steps)
    say("")


def _compare(estate: "Estate", recording: "Recording", policy: "Policy", wanted: Asked, path: Path) -> None:
    from daemon.cli.difference_view import show_difference
    from daemon.cli.other_run import read_other
    from daemon.cli.out import emit
    from daemon.replay import run
    from daemon.replay_difference import difference, result_of
    from rules.policy import Policy

    other = read_other(path)
    now = result_of(run(estate, recording, policy, wanted.interval))
    if isinstance(other, Policy):
        found = difference(now, result_of(run(estate, recording, other, wanted.interval)))
        names = "the rules in force", f"the rules of {path}"
    else:
        found = difference(other, now)
        names = f"the result in {path}", "this run"
    if wanted.as_json:
        emit(found)
    else:
        show_difference(found, *names)
