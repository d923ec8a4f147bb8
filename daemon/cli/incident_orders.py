"""The commands by which people order something about an incident."""

from collections.abc import Callable
from typing import Annotated, Any

import typer

from daemon.cli.lengths import length_of
from daemon.cli.moment import moment_of
from daemon.cli.options import with_options
from daemon.cli.orders import By, Number, Numbers, Why, checked_text, give_order, read_number
from daemon.cli.place import AsJson


def ack(context: typer.Context, numbers: Numbers, *, by: By = None, as_json: AsJson = False) -> None:
    """Acknowledge: somebody has seen it and takes care."""
    give_order(context, "acknowledge", numbers, by=by, as_json=as_json)


def start(context: typer.Context, numbers: Numbers, *, by: By = None, as_json: AsJson = False) -> None:
    """Start work on it."""
    give_order(context, "start", numbers, by=by, as_json=as_json)


def resume(context: typer.Context, numbers: Numbers, *, by: By = None, as_json: AsJson = False) -> None:
    """Go on with it after a hold."""
    give_order(context, "resume", numbers, by=by, as_json=as_json)


def resolve(
    context: typer.Context,
    number: Number,
    resolution: Annotated[str, typer.Argument(metavar="[HOW]", help="What mended it.")] = "",
    *,
    root: Annotated[
        str | None, typer.Option("--root", metavar="CI", help="What failed: confirms the named root, or corrects it.")
    ] = None,
    code: Annotated[str, typer.Option("--code", help="fixed, workaround, …; those of rules.yaml.")] = "",
    restored: Annotated[str, typer.Option("--restored-at", metavar="TIME", help="When the service was back.")] = "",
    how_restored: Annotated[str, typer.Option("--restored-by", help="fix, workaround or itself.")] = "",
    force: Annotated[bool, typer.Option("--force", help="Although steps are not done; --reason says why.")] = False,
    reason: Why = "",
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Say that it is mended."""
    from daemon.clock import SystemClock
    from rules.decision import Resolving
    from rules.incident import Restoration

    if how_restored and how_restored not in list(Restoration):
        raise typer.BadParameter(f"allowed: {', '.join(Restoration)}", param_hint="--restored-by")
    if root is not None and not root.strip():
        raise typer.BadParameter("it is empty; allowed: a CI's id or alias", param_hint="--root")
    resolving = Resolving(
        code=checked_text(code, "the code"),
        restored_at=moment_of(restored, SystemClock().now(), "--restored-at") if restored else None,
        restoration=Restoration(how_restored) if how_restored else None,
        force=force,
    )
    give_order(
        context,
        "resolve",
        [number],
        resolution,
        reason=reason,
        root=root or "",
        resolving=resolving,
        by=by,
        as_json=as_json,
    )


def merge(
    context: typer.Context,
    number: Number,
    into: Annotated[str, typer.Argument(metavar="INTO", help="The incident that goes on.")],
    *,
    reason: Why = "",
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Make it part of another incident, to which its alerts go."""
    give_order(context, "merge", [number], str(read_number(into)), reason=reason, by=by, as_json=as_json)


def priority(
    context: typer.Context,
    number: Number,
    word: Annotated[str, typer.Argument(metavar="PRIORITY", help="P1 to P5.")],
    *,
    reason: Why = "",
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Set its priority by hand; it then stays as set."""
    from rules.incident import Priority

    if word.upper() not in list(Priority):
        raise typer.BadParameter(f'"{word}" is no priority; allowed: P1 to P5', param_hint="PRIORITY")
    give_order(context, "set_priority", [number], word.upper(), reason=reason, by=by, as_json=as_json)


def link(
    context: typer.Context,
    number: Number,
    *,
    duplicate_of: Annotated[
        str | None, typer.Option("--duplicate-of", metavar="INCIDENT", help="It is the same as that one.")
    ] = None,
    parent: Annotated[
        str | None, typer.Option("--parent", metavar="INCIDENT", help="It is part of that major incident.")
    ] = None,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Link it to an incident with which it is then resolved: the one it duplicates, or its parent."""
    if (duplicate_of is None) is (parent is None):
        raise typer.BadParameter("give one of --duplicate-of and --parent")
    verb, other = ("child", parent) if duplicate_of is None else ("duplicate", duplicate_of)
    give_order(context, verb, [number], str(read_number(other or "")), by=by, as_json=as_json)


def escalate(
    context: typer.Context, number: Number, *, reason: Why = "", by: By = None, as_json: AsJson = False
) -> None:
    """Take the next step of its escalation now."""
    give_order(context, "escalate", [number], reason=reason, by=by, as_json=as_json)


def snooze(
    context: typer.Context,
    numbers: Numbers,
    *,
    length: Annotated[str, typer.Option("--for", metavar="TIME", help="How long, as in 1h.")],
    reason: Why = "",
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Call nobody about it for a while, unless it gets worse."""
    from daemon.clock import SystemClock

    until = (SystemClock().now() + length_of(length, "--for")).isoformat()
    give_order(context, "snooze", numbers, until, reason=reason, by=by, as_json=as_json)


def unsnooze(context: typer.Context, numbers: Numbers, *, by: By = None, as_json: AsJson = False) -> None:
    """End its snooze now."""
    give_order(context, "unsnooze", numbers, by=by, as_json=as_json)


_COMMANDS = (ack, start, resume, resolve, merge, link, priority, escalate, snooze, unsnooze)

# The word to call it by, the verb, its help, what it needs to know, and whether it takes a --reason beside that.
_WORDED = (
    ("hold", "hold", "Put it on hold while somebody else has to act.", "REASON", "What is waited for.", False),
    ("assign", "assign", "Give it to a person.", "WHO", "The person who works on it.", False),
    ("note", "note", "Write something onto its timeline.", "TEXT", "What was found or done.", False),
    ("close", "close", "Close a resolved incident before it closes by itself.", "[REASON]", "Why now.", False),
    ("reopen", "reopen", "Open it again: it was not mended.", "[REASON]", "What still does not work.", False),
    ("split", "split", "Give one CI's alerts an incident of their own.", "CI", "The CI whose alerts leave.", True),
    ("root", "set_root", "Say what really failed; the daemon then leaves the root alone.", "CI", "What it was.", True),
    ("route", "route", "Give it to another group, whose people are then called.", "GROUP", "Who is to have it.", True),
    ("watch", "watch", "Tell a person of everything about it.", "PERSON", "The id of one of `people`.", False),
    ("unwatch", "unwatch", "Tell a person no more who was to be told of it.", "PERSON", "Their id.", False),
    (
        "unlink",
        "unlink",
        "Take its links to another record away, on both sides.",
        "RECORD",
        "As in INC-7 or PRB-3.",
        False,
    ),
    (
        "convert",
        "convert",
        "Make a service request of it: nothing has failed, somebody wants something.",
        "[REASON]",
        "Why it is no failure.",
        False,
    ),
)


def _worded(verb: str, metavar: str, words: str, *, has_reason: bool) -> Callable[..., None]:
    """A command that needs to know one thing; it may be left out where its name stands in brackets."""
    default: Any = "" if metavar.startswith("[") else ...

    def order(
        context: typer.Context,
        number: Number,
        value: Any = default,
        *,
        by: By = None,
        as_json: AsJson = False,
        **given: str | None,
    ) -> None:
        give_order(context, verb, [number], value, reason=given.get("reason") or "", by=by, as_json=as_json)

    order.__annotations__["value"] = Annotated[str, typer.Argument(metavar=metavar, help=words)]
    return with_options(order, {"reason": Why} if has_reason else {})


def add_to(incident: typer.Typer) -> None:
    """Put the commands of this module under `incidentd incident`."""
    for command in _COMMANDS:
        incident.command()(command)
    for name, verb, words, metavar, what, has_reason in _WORDED:
        incident.command(name, help=words)(_worded(verb, metavar, what, has_reason=has_reason))
