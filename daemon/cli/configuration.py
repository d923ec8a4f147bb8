"""`incidentd check` and `incidentd init`: the owner's files."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from daemon.cli.place import AsJson, config_path

if TYPE_CHECKING:
    from cmdb.graph import Estate
    from cmdb.problems import Problem
    from daemon.config.config import Config
    from rules.service_level import ServiceLevel


def check(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Check configuration, rules and CMDB; every mistake at once, as `file:line: what is wrong; what is allowed`."""
    from daemon.cli.out import emit, safe
    from daemon.config.estate import estate_remarks, load_all
    from daemon.errors import ConfigError

    path = config_path(context)
    try:
        config, estate = load_all(path)
    except ConfigError as error:
        if as_json:
            emit({"ok": False, "problems": [_fields(p) for p in error.problems]})
        else:
            for problem in error.problems:
                typer.echo(safe(problem, 1000))
        raise typer.Exit(1) from None
    remarks = [*config.remarks, *estate_remarks(config, estate)]
    summary = _summary(config, estate)
    if as_json:
        emit({"ok": True, "problems": [], "remarks": [_fields(r) for r in remarks], **summary})
    else:
        _show(config, summary, remarks)


def _fields(problem: "Problem") -> dict[str, Any]:
    return {"file": problem.file, "line": problem.line, "what": problem.what, "allowed": problem.allowed}


def _summary(config: "Config", estate: "Estate") -> dict[str, Any]:
    return {
        "config": str(config.file),
        "database": config.database_shown,
        "listen": config.http.listen,
        "access": config.http.access,
        "cis": len(estate),
        "dependencies": sum(len(estate.dependencies(ci)) for ci in estate.ids()),
        "business_services": len(estate.business_services),
        "cycles": [list(cycle) for cycle in estate.cycles()],
        "sources": [{"name": s.name, "type": s.type} for s in config.sources],
        "notifiers": [{"name": n.name, "type": _kind(n)} for n in config.notifiers],
        "subscriptions": len(config.notify),
        "service_levels": [
            {"name": level.name, "agreement": str(level.agreement), "targets": _targets(level)}
            for level in config.policy.service_levels
        ],
    }


def _targets(level: "ServiceLevel") -> dict[str, dict[str, str]]:
    from daemon.config.durations import write_duration
    from rules.clock import Goal

    return {
        str(priority): {
            **{str(goal): write_duration(length) for goal in Goal if (length := target.of(goal)) is not None},
            "calendar": target.calendar.name,
        }
        for priority, target in level.targets.items()
    }


def _kind(notifier: object) -> str:
    return type(notifier).__name__.removesuffix("Settings").lower()


def _show(config: "Config", summary: dict[str, Any], remarks: list["Problem"]) -> None:
    from daemon.cli.out import count, safe, say

    say(safe(f"{config.file} is in order.", 1000))
    say(f"  database   {safe(summary['database'], 1000)}")
    say(f"  listens    http://{summary['listen']} (access: {summary['access']})")
    say(
        f"  CMDB       {count(summary['cis'], 'CI')}, {count(summary['dependencies'], 'dependency', 'dependencies')}, "
        f"{count(summary['business_services'], 'business service')}"
    )
    for key in ("sources", "notifiers"):
        listed = ", ".join(f"{item['name']} ({item['type']})" for item in summary[key])
        say(f"  {key:<10} {safe(listed, 2000) or 'none'}")
    for level in summary["service_levels"]:
        say(f"  {level['agreement']:<10} {safe(level['name'])}: {safe(_promises(level['targets']), 2000)}")
    cycles = summary["cycles"]
    if cycles:
        say(f"  cycles     {len(cycles)}; legal, each fails as a whole:")
        for cycle in cycles[:10]:
            say(f"             {safe(' → '.join([*cycle, cycle[0]]), 1000)}")
    for remark in remarks:
        say(safe(f"note: {remark}", 1000))


def _promises(targets: dict[str, dict[str, str]]) -> str:
    """`P1 15m/4h 24x7, …`: response, resolution and the calendar they are counted in."""
    return ", ".join(
        f"{priority} {t.get('response', '-')}/{t.get('resolution', '-')} {t['calendar']}"
        for priority, t in targets.items()
    )


def init(
    directory: Annotated[Path, typer.Argument(metavar="[DIR]", help="Where to write them.")] = Path(),
    *,
    as_json: AsJson = False,
) -> None:
    """Write a commented incidentd.yaml and a small cmdb.yaml to start from; nothing is ever overwritten."""
    from daemon.cli.out import emit, safe, say
    from daemon.config.sample import write_samples

    written = [str(path) for path in write_samples(directory)]
    if as_json:
        emit({"written": written})
        return
    for path in written:
        say(safe(f"wrote {path}", 1000))
    say(safe(f"Edit them, then: incidentd --config {written[0]} check", 1000))


def add_to(app: typer.Typer) -> None:
    """Put the commands of this module into the command line."""
    app.command()(check)
    app.command()(init)
