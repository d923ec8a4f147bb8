"""`incidentd cmdb doubts`: where the past speaks against the CMDB."""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from daemon.cli.lengths import length_of
from daemon.cli.place import AsJson, CmdbFile, given_config, open_store, read_config, read_estate

if TYPE_CHECKING:
    from cmdb.graph import Estate
    from rules.doubt import Doubt
    from rules.past import History

Events = Annotated[
    Path | None,
    typer.Option("--events", metavar="FILE", help="Judge by these recorded alerts, as for `replay`; needs --cmdb."),
]


def doubts(
    context: typer.Context,
    *,
    since: Annotated[str, typer.Option("--since", metavar="TIME", help="How far to look back in the record.")] = "30d",
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="At most so many.")] = 20,
    cmdb: CmdbFile = None,
    events: Events = None,
    as_json: AsJson = False,
) -> None:
    """Dependencies that past incidents say are missing or false, the worst first."""
    from daemon.cli.out import emit
    from rules.document import doubts_document
    from rules.doubts import doubts as find_doubts

    length = length_of(since, "--since")
    estate = read_estate(context, cmdb)
    past = _recorded(context, cmdb, events, estate) if events is not None else _remembered(context, length)
    found = find_doubts(estate, past)
    if as_json:
        emit(doubts_document(found, past, limit))
    else:
        _show(found, past, limit)


def _remembered(context: typer.Context, length: timedelta) -> "History":
    from daemon.clock import SystemClock

    now = SystemClock().now()
    with open_store(read_config(context)) as store:
        return store.history(now - length, now)


def _recorded(context: typer.Context, cmdb: Path | None, events: Path, estate: "Estate") -> "History":
    from daemon.config.load import load_config
    from daemon.replay import replay_history
    from rules.policy import Policy

    if cmdb is None:
        raise typer.BadParameter("recorded alerts are judged by the CMDB of --cmdb FILE", param_hint="--events")
    given = given_config(context)
    return replay_history(estate, events, load_config(given).policy if given else Policy())


def _show(found: "tuple[Doubt, ...]", past: "History", limit: int) -> None:
    from daemon.cli.out import count, instant, safe, say, table
    from rules.incident import incident_key

    looked = (
        f"{count(len(past.incidents), 'incident')} and {count(len(past.alerts), 'alert')}"
        f" from {instant(past.since)} to {instant(past.until)}"
    )
    if not found:
        say(f"No doubts: {looked} fit the CMDB.")
        return
    say(f"{count(len(found), 'doubt')} about the CMDB, the worst first, by {looked}:", "")
    rows = [
        [str(d.kind), d.ci, d.needs, _odds(d.odds), f"{d.seen}/{d.possible}", ", ".join(d.services) or "none"]
        for d in found[:limit]
    ]
    say(table(["kind", "CI", "needs", "odds", "seen", "services it takes down"], rows, wide="services it takes down"))
    say("")
    for doubt in found[:limit]:
        shown = ", ".join(map(incident_key, doubt.proof[-8:]))
        more = f" and {len(doubt.proof) - 8} earlier" if len(doubt.proof) > 8 else ""
        say(safe(f"{doubt.words}. See {shown}{more}.", 2000))
    if len(found) > limit:
        say(f"… {limit} of {len(found)}; --limit shows more")


def _odds(odds: float) -> str:
    return f"{odds:,.0f}:1"


def add_to(app: typer.Typer) -> None:
    """Put the command among those of the CMDB."""
    app.command()(doubts)
