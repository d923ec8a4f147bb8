"""What `incidentd request`, `problem` and `change` have in common: lists, one record, steps, notes and links."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from daemon.cli.options import one_of
from daemon.cli.orders import By, caller_name, checked_text, late_reply
from daemon.cli.place import AsJson, open_store, read_config, read_estate

if TYPE_CHECKING:
    from daemon.store.store import Store
    from rules.decision import RecordOrder
    from rules.record import Kind, Record

request = typer.Typer(name="request", help="Service requests: somebody wants something.", no_args_is_help=True)
problem = typer.Typer(name="problem", help="Problems and known errors: what recurs, and why.", no_args_is_help=True)
change = typer.Typer(name="change", help="Changes: work that is planned, done or told of.", no_args_is_help=True)
GROUPS = {"request": request, "problem": problem, "change": change}

STEPS = {
    "request": {
        "start": "Work on it begins.",
        "hold": "It waits for somebody else.",
        "resume": "Work goes on.",
        "fulfil": "It is done.",
        "reject": "It will not be done.",
        "cancel": "Nobody wants it any more.",
        "reopen": "It was not done after all.",
        "close": "Close it before it closes by itself.",
        "convert": "Make an incident of it: something has failed.",
    },
    "problem": {
        "start": "Somebody looks for the cause.",
        "document": "Give it a workaround: it is a known error then.",
        "withdraw": "The workaround is none: it is no known error any more.",
        "resolve": "The cause is mended.",
        "reopen": "It was not mended.",
        "close": "Close it.",
    },
    "change": {
        "approve": "It may be done: what it causes in its time is expected.",
        "reject": "It must not be done.",
        "start": "Work on it begins.",
        "complete": "It is done.",
        "fail": "It was tried and did not succeed.",
        "cancel": "It will not be done.",
        "close": "Close it before it closes by itself.",
    },
}
"""The steps that have a command, each with its help: those of `rules.record_lifecycles` but for `revise`."""

Key = Annotated[str, typer.Argument(metavar="NUMBER", help="As in PRB-3, or 3.")]
Keys = Annotated[list[str], typer.Argument(metavar="NUMBER...", help="As in REQ-3, or 3; several at once.")]
Text = Annotated[str, typer.Option("--text", metavar="TEXT", help="How it ended, why not, or the workaround.")]


def add_common(kind: str) -> None:
    """Put the commands that all kinds have into the group of one."""
    group = GROUPS[kind]
    group.command("list")(_list_command(kind))
    group.command("show")(_show_command(kind))
    for step, words in STEPS[kind].items():
        group.command(step, help=words)(_step_command(kind, step))
    group.command("note")(_note_command(kind))
    group.command("link")(_link_command(kind))


def _list_command(kind: str) -> Callable[..., None]:
    def list_(
        context: typer.Context,
        *,
        status: Annotated[list[str] | None, typer.Option("--status", help="A state; may be repeated.")] = None,
        ci: Annotated[list[str] | None, typer.Option("--ci", help="A CI it is about; may be repeated.")] = None,
        text: Annotated[str, typer.Option("--text", help="Words, all of which must occur.")] = "",
        limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="At most so many.")] = 200,
        offset: Annotated[int, typer.Option("--offset", min=0, max=10_000_000, help="After so many.")] = 0,
        as_json: AsJson = False,
    ) -> None:
        """The newest first."""
        from daemon.cli.out import emit, say
        from daemon.cli.record_view import record_table
        from daemon.store.rows import RecordSearch
        from rules.record_document import record_document

        search = RecordSearch(kind=_kind(kind), statuses=_statuses(kind, status or []), cis=ci or (), text=text)
        with open_store(read_config(context)) as store:
            found = store.records(search, limit=limit, offset=offset)
        if as_json:
            emit({f"{kind}s": [record_document(r) for r in found]})
        else:
            say(record_table(found) if found else f"There is no such {_kind(kind).words}.")

    return list_


def _show_command(kind: str) -> Callable[..., None]:
    def show(context: typer.Context, number: Key, *, as_json: AsJson = False) -> None:
        """Everything that is known of one, with its history."""
        from daemon.cli.notices import notice_fields
        from daemon.cli.out import emit
        from daemon.cli.record_view import show_record
        from daemon.cli.refusal import Refusal
        from rules.change_risk import overlapping
        from rules.record import Change
        from rules.record_document import entry_document, record_document, risk_document

        wanted = read_key(kind, number)
        with open_store(read_config(context)) as store:
            found = store.record(_kind(kind), wanted)
            if found is None:
                raise Refusal(f"there is no {_kind(kind).words} {_kind(kind).series}-{wanted}")
            timeline = store.timeline_of_record(found.key)
            risk, others = _risk(context, store, found)
            notices = store.notices_of(found) if isinstance(found, Change) else []
        if as_json:
            shown = {kind: record_document(found), "timeline": [entry_document(e) for e in timeline]}
            if risk is not None and isinstance(found, Change):
                shown |= {"risk": risk_document(risk), "overlapping": [c.key for c in overlapping(found, others)]}
                shown["notices"] = [notice_fields(n) for n in notices]
            emit(shown)
        else:
            show_record(found, timeline, risk, others, notices)

    return show


def _risk(context: typer.Context, store: "Store", record: "Record") -> tuple[Any, "list[Record]"]:
    """The risk of a change, and the changes around it; None for other records."""
    from daemon.store.rows import RecordSearch, Search
    from rules.change_risk import risk_of
    from rules.incident import ACTIVE
    from rules.record import Change

    if not isinstance(record, Change):
        return None, []
    search = RecordSearch(kind=record.kind, since=record.starts_at, until=record.ends_at)
    others = store.records(search, limit=1000)
    incidents = store.incidents(Search(statuses=ACTIVE), limit=10_000)
    return risk_of(read_estate(context, None), record, incidents, others), others


def _step_command(kind: str, step: str) -> Callable[..., None]:
    def carry(
        context: typer.Context, numbers: Keys, *, text: Text = "", by: By = None, as_json: AsJson = False
    ) -> None:
        wanted = [read_key(kind, number) for number in numbers]
        said = checked_text(text, "the text")
        give(context, kind, [("step", {"number": n, "step": step, "text": said}) for n in wanted], by, as_json)

    return carry


def _note_command(kind: str) -> Callable[..., None]:
    def note(
        context: typer.Context,
        number: Key,
        text: Annotated[str, typer.Argument(metavar="TEXT", help="What was found or done.")],
        *,
        by: By = None,
        as_json: AsJson = False,
    ) -> None:
        """Write something onto its timeline."""
        said = checked_text(text, "the text")
        give(context, kind, [("note", {"number": read_key(kind, number), "text": said})], by, as_json)

    return note


def _link_command(kind: str) -> Callable[..., None]:
    def link(
        context: typer.Context,
        number: Key,
        other: Annotated[str, typer.Argument(metavar="RECORD", help="As in INC-7, PRB-3 or CHG-1.")],
        *,
        relation: Annotated[
            str,
            typer.Option(
                "--relation", help="cause of, caused by, led to, comes from or related to; else the usual one."
            ),
        ] = "",
        remove: Annotated[bool, typer.Option("--remove", help="Take the links to it away instead.")] = False,
        by: By = None,
        as_json: AsJson = False,
    ) -> None:
        """Link it to another record, both ways."""
        fields = {"number": read_key(kind, number), "to": other, "relation": relation}
        give(context, kind, [("unlink" if remove else "link", fields)], by, as_json)

    return link


def give(
    context: typer.Context, kind: str, orders: list[tuple[str, dict[str, Any]]], by: str | None, as_json: bool
) -> None:
    """Give the orders, each a verb and its fields, one after the other; exit code 1 where any was refused."""
    from daemon.app import orders as carry_out
    from daemon.cli.out import complain, emit, safe, say

    config = read_config(context)
    asked = [order_of(kind, verb, fields, by) for verb, fields in orders]
    replies = [reply or late_reply(one) for one, reply in zip(asked, carry_out(config, asked), strict=True)]
    answers = [(reply.subject or _key(one), reply) for one, reply in zip(asked, replies, strict=True)]
    if as_json:
        emit({"orders": [{"number": key, "done": r.done, "message": r.message} for key, r in answers]})
    for _, reply in answers if not as_json else ():
        (say if reply.done else complain)(safe(reply.message, 1000))
    if not all(reply.done for _, reply in answers):
        raise typer.Exit(1)


def _key(asked: "RecordOrder") -> str | None:
    return f"{asked.kind.series}-{asked.number}" if asked.number else None


def order_of(kind: str, verb: str, fields: dict[str, Any], by: str | None) -> "RecordOrder":
    """An order from the command line."""
    import secrets

    from daemon.clock import SystemClock
    from rules.decision import RecordOrder, RecordVerb

    return RecordOrder(
        id=f"cli:{secrets.token_hex(16)}",
        at=SystemClock().now(),
        actor=checked_text(by or caller_name(), "the name of who says so"),
        kind=_kind(kind),
        verb=RecordVerb(verb),
        **fields,
    )


def read_key(kind: str, text: str) -> int:
    """3 for `PRB-3` or `3`; a usage error where it is no number of this kind."""
    from rules.record import parse_key

    wanted = _kind(kind).series
    try:
        series, number = parse_key(text, wanted)
    except ValueError:
        series, number = "", 0
    if series != wanted:
        allowed = f"allowed: {wanted}-3 or 3"
        raise typer.BadParameter(f'"{text[:40]}" is not the number of a {_kind(kind).words}; {allowed}')
    return number


def _kind(word: str) -> "Kind":
    from rules.record import Kind

    return Kind(word)


def _statuses(kind: str, words: list[str]) -> tuple[str, ...]:
    from rules.record_lifecycles import STATES

    allowed = [str(state) for state in STATES[_kind(kind)]]
    return tuple(one_of(word.replace("-", "_"), allowed, "--status") for word in words)
