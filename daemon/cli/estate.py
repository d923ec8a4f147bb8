"""`incidentd impact`, `spof` and `cmdb`: questions about the estate."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from daemon.cli import cmdb_difference, doubts
from daemon.cli.place import AsJson, CmdbFile, open_store, read_config, read_estate

if TYPE_CHECKING:
    from cmdb.graph import Estate
    from cmdb.impact import Hit
    from cmdb.model import CI

cmdb = typer.Typer(name="cmdb", help="The configuration items.", no_args_is_help=True)
Limit = Annotated[int, typer.Option("--limit", min=1, max=1_000_000, help="At most so many.")]
_WORDS = ("down", "degraded", "at risk")


def impact(
    context: typer.Context,
    cis: Annotated[list[str], typer.Argument(metavar="CI...", help="What fails: ids or aliases.")],
    *,
    cmdb: CmdbFile = None,
    as_json: AsJson = False,
) -> None:
    """What goes down, is degraded or loses its redundancy if these fail together."""
    from cmdb.impact import impact as reach
    from cmdb.model import State
    from daemon.cli.out import emit

    estate = read_estate(context, cmdb)
    failed = tuple(dict.fromkeys(find(estate, name) for name in cis))
    hits = reach(estate, dict.fromkeys(failed, State.DOWN))
    if as_json:
        emit(_impact_document(estate, failed, hits))
    else:
        _show_impact(estate, failed, hits)


def find(estate: "Estate", name: str) -> str:
    """The CI that people mean by `name`; Refusal with the nearest names where there is none."""
    import difflib

    from daemon.cli.refusal import Refusal

    found = estate.find(name)
    if found is not None:
        return found
    names = [n for ci in map(estate.ci, estate.ids()) for n in (ci.id, *ci.aliases)] if len(estate) <= 50_000 else []
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    hint = f"; nearest: {', '.join(near)}" if near else ""
    raise Refusal(f'the CMDB has no CI "{name}"{hint}')


def _impact_document(estate: "Estate", failed: tuple[str, ...], hits: "dict[str, Hit]") -> dict[str, Any]:
    return {
        "failed": list(failed),
        **{word.replace(" ", "_"): [h.ci for h in _in_state(hits, word, failed)] for word in _WORDS},
        "services": {
            word.replace(" ", "_"): [h.ci for h in _in_state(hits, word, ()) if h.ci in estate.business_services]
            for word in _WORDS
        },
    }


def _in_state(hits: "dict[str, Hit]", word: str, without: tuple[str, ...]) -> "list[Hit]":
    """Hits in one state, nearest first; the failed ones themselves are not what they reach."""
    found = [h for h in hits.values() if h.state.word == word and h.ci not in without]
    return sorted(found, key=lambda h: (h.hops, h.ci))


def _show_impact(estate: "Estate", failed: tuple[str, ...], hits: "dict[str, Hit]") -> None:
    from cmdb.impact import business_view
    from daemon.cli.out import count, safe, say, state_cell, table

    reached = [h for h in hits.values() if h.ci not in failed]
    say(safe(f"If {' and '.join(failed)} fail{'s' if len(failed) == 1 else ''}: {_numbers(reached)}.", 2000))
    services = business_view(estate, hits)
    if services:
        rows = [[state_cell(h.state.word), estate.ci(h.ci).title, h.ci, _path(hits, h)] for h in services]
        say("", table(["state", "business service", "CI", "because of"], rows, wide="because of"))
    else:
        say("", "No business service is hit.")
    named = {h.ci for h in services}
    for word in _WORDS:
        others = [h for h in _in_state(hits, word, failed) if h.ci not in named]
        if others:
            rows = [[h.ci, estate.ci(h.ci).type, estate.ci(h.ci).owner, _path(hits, h)] for h in others[:50]]
            say("", table([f"{word} ({len(others)})", "type", "owner", "because of"], rows, wide="because of"))
        if len(others) > 50:
            say(f"… and {count(len(others) - 50, 'more CI')}; --json names them all")


def _numbers(hits: "list[Hit]") -> str:
    from daemon.cli.out import count

    parts = [(word, sum(h.state.word == word for h in hits)) for word in _WORDS]
    said = [f"{count(number, 'CI')} {word}" for word, number in parts if number]
    return ", ".join(said) or "nothing else is hit"


def _path(hits: "dict[str, Hit]", hit: "Hit") -> str:
    """How the failure came to a CI, nearest first."""
    names: list[str] = []
    via = hit.via
    while via is not None and len(names) < 6:
        names.append(via)
        via = hits[via].via if via in hits else None
    return " ← ".join(names) + (" ← …" if via is not None else "")


def spof(context: typer.Context, *, limit: Limit = 20, cmdb: CmdbFile = None, as_json: AsJson = False) -> None:
    """Single points of failure, the worst first: what takes business services down all by itself."""
    import msgspec

    from cmdb.spof import single_points_of_failure
    from daemon.cli.out import count, emit, progress, say, table

    estate = read_estate(context, cmdb)
    with progress("looking at CIs") as on_progress:
        found = single_points_of_failure(estate, on_progress=on_progress)
    if as_json:
        emit({"spofs": [msgspec.to_builtins(s) for s in found[:limit]], "total": len(found)})
        return
    if not found:
        say("No single CI takes a business service down.")
        return
    rows = [
        [s.ci, estate.ci(s.ci).type, estate.ci(s.ci).owner, str(s.impacted_count), _service_names(estate, s.services)]
        for s in found[:limit]
    ]
    say(f"{count(len(found), 'single point')} of failure, the worst first:", "")
    say(table(["CI", "type", "owner", "CIs down", "business services down"], rows, wide="business services down"))
    if len(found) > limit:
        say(f"… {limit} of {len(found)}; --limit shows more")


def _service_names(estate: "Estate", services: tuple[str, ...], most: int = 6) -> str:
    names = ", ".join(estate.ci(service).title for service in services[:most])
    return f"{names} and {len(services) - most} more" if len(services) > most else names


@cmdb.command("list")
def list_(
    context: typer.Context,
    *,
    kind: Annotated[str | None, typer.Option("--type", help="Only CIs of this type.")] = None,
    owner: Annotated[str | None, typer.Option("--owner", help="Only CIs of this group.")] = None,
    limit: Limit = 200,
    cmdb: CmdbFile = None,
    as_json: AsJson = False,
) -> None:
    """The CIs, in the order of the file."""
    from daemon.cli.out import emit, say, table

    estate = read_estate(context, cmdb)
    found = [ci for ci in map(estate.ci, estate.ids()) if kind in (None, ci.type) and owner in (None, ci.owner)]
    if as_json:
        emit({"cis": [ci_fields(ci) for ci in found[:limit]], "total": len(found)})
        return
    rows = [[ci.id, ci.type, ci.name, _criticality(ci), ci.owner] for ci in found[:limit]]
    say(table(["CI", "type", "name", "criticality", "owner"], rows, wide="name"))
    if len(found) > limit:
        say(f"… {limit} of {len(found)}; --limit shows more")


def _criticality(ci: "CI") -> str:
    return "" if ci.criticality is None else ci.criticality.name.lower()


def ci_fields(ci: "CI") -> dict[str, Any]:
    """A CI for programs, in the CMDB file's words."""
    return {
        "id": ci.id,
        "type": ci.type,
        "name": ci.name,
        "criticality": _criticality(ci) or None,
        "owner": ci.owner,
        "aliases": list(ci.aliases),
        "match": [dict(labels) for labels in ci.match],
        "depends_on": [
            {"any_of": list(d.providers), "need": d.need, "strength": str(d.strength)} for d in ci.depends_on
        ],
        "users": None if ci.users is None else {"count": ci.users.count, "class": ci.users.kind},
    }


@cmdb.command()
def show(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="CI", help="An id or alias.")],
    *,
    cmdb: CmdbFile = None,
    as_json: AsJson = False,
) -> None:
    """One CI: what it is, what it needs and what needs it."""
    from cmdb.difference import needs_words
    from daemon.cli.out import emit, safe, say

    estate = read_estate(context, cmdb)
    ci = estate.ci(find(estate, name))
    dependents = estate.dependents(ci.id)
    if as_json:
        emit({**ci_fields(ci), "dependents": list(dependents)})
        return
    say(safe(f"{ci.id}: {ci.title} ({ci.type})", 1000))
    facts = {
        "criticality": _criticality(ci),
        "owner": ci.owner,
        "users": "" if ci.users is None else f"{ci.users.count} {ci.users.kind}".strip(),
        "aliases": ", ".join(ci.aliases),
        "match": "; ".join(", ".join(f"{k}={v}" for k, v in labels) for labels in ci.match),
        "needs": "; ".join(needs_words(d) for d in ci.depends_on),
        "needed by": ", ".join(dependents[:50]) + (f" and {len(dependents) - 50} more" if len(dependents) > 50 else ""),
    }
    for key, value in facts.items():
        if value:
            say(f"  {key:<12} {safe(value, 4000)}")


@cmdb.command()
def unmapped(context: typer.Context, *, limit: Limit = 50, as_json: AsJson = False) -> None:
    """Alerts that no CI is known for, newest first: what the CMDB lacks."""
    from daemon.cli.out import emit, instant, safe, say, table
    from rules.document import alert_document
    from rules.incident import incident_key

    with open_store(read_config(context)) as store:
        alerts = store.unmapped(limit)
    if as_json:
        emit({"alerts": [alert_document(a) for a in alerts]})
    elif not alerts:
        say("Every alert is mapped to a CI.")
    else:
        rows = [
            [
                instant(a.starts_at),
                a.name,
                "" if a.incident is None else incident_key(a.incident),
                safe(", ".join(f"{k}={v}" for k, v in sorted(a.labels.items()) if k != "alertname"), 500),
            ]
            for a in alerts
        ]
        say(table(["since", "alert", "incident", "labels"], rows, wide="labels"))


def add_to(app: typer.Typer) -> None:
    """Put the commands of this module into the command line."""
    app.command()(impact)
    app.command()(spof)
    cmdb_difference.add_to(cmdb)
    doubts.add_to(cmdb)
    app.add_typer(cmdb)
