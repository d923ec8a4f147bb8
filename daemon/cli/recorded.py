"""`incidentd replay`: what the daemon would have made of recorded alerts."""

from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer

from daemon.cli.place import AsJson, given_config


def replay(
    context: typer.Context,
    *,
    cmdb: Annotated[Path, typer.Option("--cmdb", metavar="FILE", help="The CMDB.")],
    events: Annotated[Path, typer.Option("--events", metavar="FILE", help="Alerts as JSON lines, by receivedAt.")],
    interval: Annotated[str, typer.Option("--interval", metavar="TIME", help="Time between two cycles.")] = "15s",
    as_json: AsJson = False,
) -> None:
    """Decide on recorded alerts exactly as the daemon does, on a virtual clock; nothing is written or sent."""
    from daemon.cli.out import emit
    from daemon.config.estate import load_estate
    from daemon.config.load import load_config
    from daemon.replay import replay as run_replay
    from rules.policy import Policy

    length = _interval(interval)
    # Only a configuration that is asked for counts: the result must not depend on what lies about on a machine.
    given = given_config(context)
    policy = load_config(given).policy if given else Policy()
    result = run_replay(load_estate([cmdb]), events, policy, length)
    if as_json:
        emit(result)
    else:
        _show(result)


def _interval(text: str) -> Any:
    from datetime import timedelta

    from daemon.config.durations import EXAMPLES, parse_duration

    try:
        length = parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(f"{error}; allowed: {EXAMPLES}", param_hint="--interval") from None
    if not timedelta(seconds=1) <= length <= timedelta(days=1):
        raise typer.BadParameter("allowed: 1s to 1d", param_hint="--interval")
    return length


def _show(result: Any) -> None:
    import msgspec

    from daemon.cli.out import count, safe, say, table

    document = msgspec.to_builtins(result)
    incidents, events = document["incidents"], document["events"]
    alerts = sum(len(i["alerts"]) for i in incidents)
    say(f"{count(alerts + len(events), 'alert')} made {count(len(incidents), 'incident')}.")
    if incidents:
        headings = ["incident", "priority", "status", "root cause", "sure", "services hit", "alerts"]
        say("", table(headings, [_row(i) for i in incidents], wide="services hit"))
    if events:
        say("", f"{count(len(events), 'alert')} opened nothing:")
        for reason, number in sorted(
            Counter(e["reason"] for e in events).items(), key=lambda item: (-item[1], item[0])
        ):
            say(f"  {number:>6}  {safe(reason)}")


def _row(incident: dict[str, Any]) -> list[Any]:
    from daemon.cli.out import priority_cell
    from rules.words import percent

    root = incident["root_cause"]
    return [
        incident["number"],
        priority_cell(incident["priority"]),
        incident["status"].replace("_", " "),
        root["ci"] or "unknown",
        percent(root["confidence"]),
        ", ".join(incident["impacted_services"]) or "none",
        str(len(incident["alerts"])),
    ]


def add_to(app: typer.Typer) -> None:
    """Put the commands of this module into the command line."""
    app.command()(replay)
