"""`incidentd backtest`: what the daemon would have made of a Prometheus's own alert history."""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from daemon.cli.lengths import interval_of
from daemon.cli.moment import moment_of
from daemon.cli.place import AsJson, CmdbFile, config_path, given_config
from daemon.cli.replayed import Compare, Explain, Interval, OneIncident, answer, asked

if TYPE_CHECKING:
    from datetime import datetime

    from cmdb.graph import Estate
    from daemon.config.config import Config
    from daemon.sources.recording import Recording
    from daemon.sources.settings import SourceSettings

_LEAST_TIMEOUT = timedelta(minutes=1)
"""A history takes longer to answer than what fires at this moment."""


def backtest(
    context: typer.Context,
    *,
    prometheus: Annotated[
        str, typer.Option("--prometheus", metavar="URL", help="The Prometheus, or the name of a configured source.")
    ],
    since: Annotated[
        str, typer.Option("--from", metavar="T", help="Begin: RFC 3339, Unix seconds, or a time ago as in 2h.")
    ],
    until: Annotated[str, typer.Option("--to", metavar="T", help="End, in the same ways.")] = "now",
    step: Annotated[str, typer.Option("--step", metavar="TIME", help="Time between two looks at the history.")] = "15s",
    cmdb: CmdbFile = None,
    interval: Interval = "15s",
    explain: Explain = False,
    incident: OneIncident = None,
    compare: Compare = None,
    as_json: AsJson = False,
) -> None:
    """Decide on a Prometheus's alert history exactly as the daemon does, on a virtual clock; nothing is written."""
    from rules.policy import Policy

    wanted = asked(interval, explain, incident, compare, as_json)
    start, end, every = _time(since, until, step)
    config, estate = _setting(context, cmdb)
    settings = _source(prometheus, config)
    recording = _read(settings, start, end, every)
    answer(estate, recording, config.policy if config else Policy(), wanted)


def _time(since: str, until: str, step: str) -> "tuple[datetime, datetime, timedelta]":
    """Begin, end and step. Raises typer.BadParameter."""
    from daemon.clock import SystemClock
    from daemon.sources.prometheus_history import MOST_STEPS

    now = SystemClock().now()
    start, end = moment_of(since, now, "--from"), moment_of(until, now, "--to")
    if start >= end:
        message = f"it begins at {start:%Y-%m-%d %H:%M:%SZ}, not before it ends at {end:%Y-%m-%d %H:%M:%SZ}"
        raise typer.BadParameter(message, param_hint="--from")
    every = interval_of(step, "--step")
    if every % timedelta(seconds=1):
        raise typer.BadParameter("allowed: whole seconds", param_hint="--step")
    if (number := (end - start) // every) > MOST_STEPS:
        message = f"that is {number} steps; allowed: {MOST_STEPS}; take a longer step or less time"
        raise typer.BadParameter(message, param_hint="--step")
    return start, end, every


def _setting(context: typer.Context, cmdb: Path | None) -> "tuple[Config | None, Estate]":
    """The configuration, where one is asked for or has to name the CMDB, and the estate."""
    from daemon.config.estate import load_all, load_estate
    from daemon.config.load import load_config

    if cmdb is None:
        return load_all(config_path(context))
    given = given_config(context)
    return (load_config(given) if given else None), load_estate([cmdb])


def _source(named: str, config: "Config | None") -> "SourceSettings":
    """How the Prometheus is read: as the configuration says where it knows it, so that credentials stay there."""
    from dataclasses import replace

    from daemon.config.fields import url_problem
    from daemon.sources.settings import SourceSettings

    sources = [s for s in config.sources if s.type == "prometheus"] if config else []
    known = next((s for s in sources if named.rstrip("/") in (s.name, s.url)), None)
    if known is None and (problem := url_problem(named, {"http", "https"})):
        names = "".join(f", {s.name}" for s in sources)
        message = f"{problem}; allowed: http://host:port/path or https://…{names}"
        raise typer.BadParameter(message, param_hint="--prometheus")
    source = known or SourceSettings(name="backtest", type="prometheus", url=named.rstrip("/"))
    return replace(source, timeout=max(source.timeout, _LEAST_TIMEOUT))


def _read(settings: "SourceSettings", start: "datetime", end: "datetime", step: timedelta) -> "Recording":
    from daemon.cli.out import complain, progress, safe
    from daemon.sources.http_session import public_host
    from daemon.sources.prometheus_history import read_history
    from rules.words import span

    with progress("reading the history") as on_progress:
        history = read_history(settings, start, end, step, on_progress)
    if history.silent:
        host = safe(public_host(settings.url))
        complain(f"{host} had no data for {span(history.silent)} of that time: what fired then is not known")
    return history.recording


def add_to(app: typer.Typer) -> None:
    """Put the commands of this module into the command line."""
    app.command()(backtest)
