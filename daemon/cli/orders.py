"""What a person can order about an incident. Each order goes the way of every change: through the one cycle that
decides, in the running daemon where there is one, else here."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from daemon.cli.lengths import length_of
from daemon.cli.moment import moment_of
from daemon.cli.place import AsJson, read_config

if TYPE_CHECKING:
    from collections.abc import Callable

    from daemon.config.config import Config
    from rules.decision import Order, Reply, Resolving, TimelineEntry

Number = Annotated[str, typer.Argument(metavar="NUMBER", help="As in INC-42, or 42.")]
Numbers = Annotated[list[str], typer.Argument(metavar="NUMBER...", help="As in INC-42, or 42; several at once.")]
By = Annotated[str | None, typer.Option("--by", metavar="WHO", help="Who says so; else the user who calls this.")]
Why = Annotated[str, typer.Option("--reason", help="Why, for the timeline.")]
LONGEST_TEXT = 4000


def ack(context: typer.Context, numbers: Numbers, *, by: By = None, as_json: AsJson = False) -> None:
    """Acknowledge: somebody has seen it and takes care."""
    give_order(context, "acknowledge", numbers, by=by, as_json=as_json)


def start(context: typer.Context, numbers: Numbers, *, by: By = None, as_json: AsJson = False) -> None:
    """Start work on it."""
    give_order(context, "start", numbers, by=by, as_json=as_json)


def hold(
    context: typer.Context,
    number: Number,
    reason: Annotated[str, typer.Argument(metavar="REASON", help="What is waited for.")],
    *,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Put it on hold while somebody else has to act."""
    give_order(context, "hold", [number], reason, by=by, as_json=as_json)


def resume(context: typer.Context, numbers: Numbers, *, by: By = None, as_json: AsJson = False) -> None:
    """Go on with it after a hold."""
    give_order(context, "resume", numbers, by=by, as_json=as_json)


def assign(
    context: typer.Context,
    number: Number,
    who: Annotated[str, typer.Argument(metavar="WHO", help="The person who works on it.")],
    *,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Give it to a person."""
    give_order(context, "assign", [number], who, by=by, as_json=as_json)


def note(
    context: typer.Context,
    number: Number,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What was found or done.")],
    *,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Write something onto its timeline."""
    give_order(context, "note", [number], text, by=by, as_json=as_json)


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


def close(
    context: typer.Context,
    number: Number,
    reason: Annotated[str, typer.Argument(metavar="[REASON]")] = "",
    *,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Close a resolved incident before it closes by itself."""
    give_order(context, "close", [number], reason, by=by, as_json=as_json)


def reopen(
    context: typer.Context,
    number: Number,
    reason: Annotated[str, typer.Argument(metavar="[REASON]", help="What still does not work.")] = "",
    *,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Open it again: it was not mended."""
    give_order(context, "reopen", [number], reason, by=by, as_json=as_json)


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


def split(
    context: typer.Context,
    number: Number,
    ci: Annotated[str, typer.Argument(metavar="CI", help="The CI whose alerts leave.")],
    *,
    reason: Why = "",
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Give one CI's alerts an incident of their own."""
    give_order(context, "split", [number], ci, reason=reason, by=by, as_json=as_json)


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


def root(
    context: typer.Context,
    number: Number,
    ci: Annotated[str, typer.Argument(metavar="CI", help="What really failed.")],
    *,
    reason: Why = "",
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Say what really failed; the daemon then leaves the root alone."""
    give_order(context, "set_root", [number], ci, reason=reason, by=by, as_json=as_json)


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


def unlink(
    context: typer.Context,
    number: Number,
    other: Annotated[str, typer.Argument(metavar="RECORD", help="As in INC-7 or PRB-3.")],
    *,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Take its links to another record away, on both sides."""
    give_order(context, "unlink", [number], other, by=by, as_json=as_json)


def convert(
    context: typer.Context,
    number: Number,
    reason: Annotated[str, typer.Argument(metavar="[REASON]", help="Why it is no failure.")] = "",
    *,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Make a service request of it: nothing has failed, somebody wants something."""
    give_order(context, "convert", [number], reason, by=by, as_json=as_json)


def route(
    context: typer.Context,
    number: Number,
    group: Annotated[str, typer.Argument(metavar="GROUP", help="The group that is to have it.")],
    *,
    reason: Why = "",
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Give it to another group, whose people are then called."""
    give_order(context, "route", [number], group, reason=reason, by=by, as_json=as_json)


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


def read_number(text: str) -> int:
    """42 for `INC-42` or `42`; a usage error where it is neither."""
    from rules.incident import incident_number

    try:
        number = incident_number(text)
    except ValueError:
        number = 0
    if not 0 < number < 2**31:
        raise typer.BadParameter(f'"{text[:40]}" is not the number of an incident; allowed: INC-42 or 42')
    return number


def entry_fields(entry: "TimelineEntry") -> dict[str, Any]:
    """A line of the timeline for programs."""
    from rules.document import rfc3339

    names = ("kind", "actor", "actor_kind", "text", "field", "old", "new", "reason")
    fields = {name: getattr(entry, name) for name in names}
    return {"at": rfc3339(entry.at), **fields}


def give_order(
    context: typer.Context,
    verb: str,
    numbers: list[str],
    value: str = "",
    *,
    reason: str = "",
    root: str = "",
    field: str = "",
    resolving: "Resolving | None" = None,
    by: str | None,
    as_json: bool,
) -> None:
    """Give the order for every incident named; exit code 1 where any was refused."""
    import secrets

    from daemon.app import order
    from daemon.cli.out import emit
    from daemon.clock import SystemClock
    from rules.decision import Command, Resolving, Verb

    wanted = [read_number(number) for number in numbers]
    config = read_config(context)
    who = checked_text(by or caller_name(), "the name of who says so")
    value, reason = checked_text(value, "the text"), checked_text(reason, "the reason")
    root = checked_text(root.strip(), "the CI")
    answers = []
    for number in wanted:
        command = Command(
            id=f"cli:{secrets.token_hex(16)}",
            at=SystemClock().now(),
            actor=who,
            verb=Verb(verb),
            number=number,
            value=value,
            reason=reason,
            root=root,
            field=checked_text(field, "the field"),
            resolving=resolving or Resolving(),
        )
        reply = answer_to(order, config, command)
        answers.append((number, reply.done, reply.message))
        if not as_json:
            _tell(*answers[-1])
    if as_json:
        emit({"orders": [_answer(*answer) for answer in answers]})
    if not all(done for _, done, _ in answers):
        raise typer.Exit(1)


def answer_to(order: "Callable[[Config, Order], Reply]", config: "Config", command: "Order") -> "Reply":
    """The daemon's answer; one that does not come in time is an answer too: the order is stored and not lost."""
    try:
        return order(config, command)
    except TimeoutError:
        return late_reply(command)


def late_reply(command: "Order") -> "Reply":
    """What is said of an order that the daemon has not answered in time."""
    from rules.decision import Reply

    words = "the daemon has not answered in time; the order is stored and will be carried out"
    return Reply(command=command.id, done=False, message=words)


def _answer(number: int, done: bool, message: str) -> dict[str, Any]:
    from rules.incident import incident_key

    return {"number": incident_key(number), "done": done, "message": message}


def _tell(number: int, done: bool, message: str) -> None:
    from daemon.cli.out import complain, safe, say
    from rules.incident import incident_key

    key = incident_key(number)
    line = safe(message if key in message else f"{key}: {message}", 1000)
    if done:
        say(line)
    else:
        complain(line)


def checked_text(text: str, what: str) -> str:
    """Text from the command line as it can be stored; Refusal where it is too long."""
    from daemon.cli.refusal import Refusal

    if len(text) > LONGEST_TEXT:
        raise Refusal(f"{what} is longer than {LONGEST_TEXT} characters")
    # Arguments that are not UTF-8 arrive as lone surrogates, which nothing further on could store.
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "")


def caller_name() -> str:
    """Who calls this command."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "somebody at the command line"


_COMMANDS = (
    ack, start, hold, resume, assign, note, resolve, close, reopen, merge, split, link, unlink, convert, priority, root,
    route, escalate, snooze, unsnooze,
)  # fmt: skip


def add_to(incident: typer.Typer) -> None:
    """Put the commands of this module under `incidentd incident`."""
    for command in _COMMANDS:
        incident.command()(command)
