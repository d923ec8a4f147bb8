"""`incidentd learned`: what was learnt from earlier alerts and incidents."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from daemon.cli.place import AsJson, config_path, open_store

if TYPE_CHECKING:
    from datetime import timedelta

    from rich.table import Table

    from rules.experience import Experience

Limit = Annotated[int, typer.Option("--limit", min=1, max=1_000_000, help="At most so many alerts and CIs each.")]


def learned(context: typer.Context, *, limit: Limit = 20, as_json: AsJson = False) -> None:
    """What was learnt: which alerts are noise, which CIs are monitored, which roots people confirmed."""
    from daemon.cli.out import emit
    from daemon.config.estate import load_all
    from rules.experience import Experience

    config, estate = load_all(config_path(context))
    with open_store(config) as store:
        lessons = store.lessons()
    experience = Experience(estate)
    experience.take(lessons)
    document = _document(experience, limit)
    if as_json:
        emit(document)
    else:
        _show(document, experience)


def _document(experience: "Experience", limit: int) -> dict[str, Any]:
    names = sorted(experience.names(), key=lambda name: (-experience.lone(name), -experience.episodes(name), name))
    roots = sorted(experience.roots(), key=lambda ci: (-experience.confirmed_ci(ci), -experience.refuted_ci(ci), ci))
    return {
        "alerts": [_alert(experience, name) for name in names[:limit]],
        "types": [_type(experience, ci_type) for ci_type in experience.types()],
        "roots": [
            {"ci": ci, "confirmed": experience.confirmed_ci(ci), "refuted": experience.refuted_ci(ci)}
            for ci in roots[:limit]
        ],
        "corrections": [
            {"named": named, "right": right, "count": count} for named, right, count in experience.corrections()
        ],
    }


def _alert(experience: "Experience", name: str) -> dict[str, Any]:
    return {
        "name": name,
        "episodes": experience.episodes(name),
        "lone": experience.lone(name),
        "noise": round(experience.noise(name), 3),
        "lone_for_s": _seconds(experience.lone_for(name)),
        "delays": experience.delays(name),
        "delay_s": _seconds(experience.delay(name)),
    }


def _type(experience: "Experience", ci_type: str) -> dict[str, Any]:
    return {
        "type": ci_type,
        "cis": experience.of_type(ci_type),
        "heard": experience.heard_of_type(ci_type),
        "confirmed": experience.confirmed(ci_type),
        "refuted": experience.refuted(ci_type),
        "prior": round(experience.prior(ci_type), 3),
    }


def _seconds(length: "timedelta | None") -> int | None:
    return None if length is None else int(length.total_seconds())


def _show(document: dict[str, Any], experience: "Experience") -> None:
    from daemon.cli.out import count, say, table

    if document["alerts"]:
        say(_alert_table(document["alerts"], experience))
        others = len(experience.names()) - len(document["alerts"])
        if others:
            say(f"… and {count(others, 'more alert')}; --limit shows them")
    else:
        say("No alert has ended yet.")
    headings = ["CI type", "CIs", "have alerted", "confirmed root", "refuted"]
    rows = [[str(t[k]) for k in ("type", "cis", "heard", "confirmed", "refuted")] for t in document["types"]]
    say("", table(headings, rows))
    if not document["roots"]:
        say("", "No person has confirmed a root yet; `incidentd incident resolve NUMBER --root CI` does.")
        return
    roots = [[root["ci"], str(root["confirmed"]), str(root["refuted"])] for root in document["roots"]]
    say("", table(["CI", "confirmed root", "refuted"], roots))
    if document["corrections"]:
        pairs = [[pair["named"], pair["right"], str(pair["count"])] for pair in document["corrections"]]
        say("", table(["was named", "was right", "times"], pairs))


def _alert_table(alerts: list[dict[str, Any]], experience: "Experience") -> "Table":
    from daemon.cli.out import table
    from rules.words import percent

    rows = [
        [
            alert["name"],
            str(alert["episodes"]),
            percent(alert["noise"]),
            _length(experience.lone_for(alert["name"])),
            _length(experience.delay(alert["name"])),
        ]
        for alert in alerts
    ]
    return table(["alert", "episodes", "lone", "lone for", "comes within"], rows, wide="alert")


def _length(length: "timedelta | None") -> str:
    """A length as people read a histogram: to its bound."""
    from rules.lesson import LONGEST
    from rules.words import span

    if length is None:
        return "unknown"
    return "longer" if length >= LONGEST else f"≤ {span(length)}"


def add_to(app: typer.Typer) -> None:
    """Put the commands of this module into the command line."""
    app.command()(learned)
