"""`incidentd cmdb diff`: what two CMDBs differ in."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from daemon.cli.place import AsJson, read_estate

if TYPE_CHECKING:
    from cmdb.difference import Changed, Difference

_MOST_SHOWN = 200


def diff(
    context: typer.Context,
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="[BEFORE] AFTER",
            help="CMDB files. With one file, that of the configuration is what it is compared with.",
        ),
    ],
    *,
    as_json: AsJson = False,
) -> None:
    """What differs between two CMDBs, CI by CI, and which failures would hit business services otherwise."""
    from cmdb.difference import difference
    from daemon.cli.out import emit, progress

    if len(files) > 2:
        raise typer.BadParameter("two files can be compared, not more", param_hint="AFTER")
    before = read_estate(context, files[0] if len(files) == 2 else None)
    after = read_estate(context, files[-1])
    with progress("comparing CIs") as on_progress:
        found = difference(before, after, on_progress=on_progress)
    if as_json:
        from daemon.cli.estate import ci_fields

        emit(_document(found, ci_fields))
    else:
        _show(found)


def _document(found: "Difference", ci_fields: Any) -> dict[str, Any]:
    return {
        "is_equal": found.is_none,
        "added": [ci_fields(ci) for ci in found.added],
        "removed": [ci_fields(ci) for ci in found.removed],
        "changed": [
            {
                "id": c.ci.id,
                "keys": [{"key": k.what, "before": k.before, "after": k.after} for k in c.keys],
                "needs_no_more": list(c.needs_no_more),
                "needs_now": list(c.needs_now),
            }
            for c in found.changed
        ],
        "services": [
            {"failed": s.failed, "service": s.service, "before": s.before.word, "after": s.after.word}
            for s in found.shifts
        ],
        "tried": found.tried,
        "touched": found.touched,
    }


def _show(found: "Difference") -> None:
    from daemon.cli.out import count, say, state_cell, table

    if found.is_none:
        say("No difference.")
        return
    rows = [
        *([ci.id, "goes", "", ""] for ci in found.removed),
        *(row for changed in found.changed for row in _rows(changed)),
        *([ci.id, "is new", "", ""] for ci in found.added),
    ]
    numbers = len(found.added), len(found.removed), len(found.changed)
    say("{} added, {} removed, {} changed.".format(*(count(n, "CI") for n in numbers)), "")
    say(table(["CI", "what", "before", "after"], rows[:_MOST_SHOWN], wide="after"))
    if len(rows) > _MOST_SHOWN:
        say(f"… {_MOST_SHOWN} of {len(rows):,} lines; --json names them all")
    if found.shifts:
        shifts = [
            [s.failed, s.service, state_cell(s.before.word), state_cell(s.after.word)]
            for s in found.shifts[:_MOST_SHOWN]
        ]
        say("", table(["if this fails", "business service", "before", "after"], shifts, wide="business service"))
    else:
        say("", "No failure that was tried hits a business service otherwise.")
    if found.tried < found.touched:
        say(f"Tried were {found.tried} of {found.touched:,} CIs that changed dependencies name.")


def _rows(changed: "Changed") -> list[list[str]]:
    keys = [[changed.ci.id, k.what, k.before, k.after] for k in changed.keys]
    lost = [[changed.ci.id, "needs", words, ""] for words in changed.needs_no_more]
    return [*keys, *lost, *([changed.ci.id, "needs", "", words] for words in changed.needs_now)]


def add_to(app: typer.Typer) -> None:
    """Put the command among those of the CMDB."""
    app.command()(diff)
