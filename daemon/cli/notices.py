"""`incidentd notices` and `incidentd notify`: what people were told."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from daemon.cli.notify_explain import explain
from daemon.cli.place import AsJson, open_store, read_config
from daemon.cli.preview import notifier_settings, preview

if TYPE_CHECKING:
    from daemon.config.config import Config
    from daemon.store.rows import NoticeRow
    from notifiers.base import Message

notify = typer.Typer(
    name="notify", help="Notices: see them before they go, send again, try a notifier.", no_args_is_help=True
)
Limit = Annotated[int, typer.Option("--limit", min=1, max=10_000, help="At most so many, the newest first.")]


def notices(
    context: typer.Context,
    *,
    failed: Annotated[bool, typer.Option("--failed", help="Only those that could not be delivered.")] = False,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """What was sent to whom, and what came of it; newest first."""
    from daemon.cli.out import emit, say

    with open_store(read_config(context)) as store:
        rows = store.notices(states=("dead",) if failed else (), limit=limit)
    if as_json:
        emit({"notices": [notice_fields(row) for row in rows]})
    elif not rows:
        say("No notice has failed." if failed else "Nobody has been told of anything yet.")
    else:
        say(notice_table(rows))


def notice_fields(row: "NoticeRow") -> dict[str, Any]:
    """A notice for programs."""
    from rules.document import rfc3339
    from rules.incident import incident_key

    return {
        "key": row.key,
        "to": row.to,
        "person": row.person,
        "event": row.event,
        "reason": row.reason,
        "incident": None if row.incident is None else incident_key(row.incident),
        "change": row.subject or None,
        "at": rfc3339(row.at),
        "state": row.state,
        "attempts": row.attempts,
        "delivered_at": None if row.delivered_at is None else rfc3339(row.delivered_at),
        "latency_s": row.latency_s,
        "instead_of": row.instead_of,
        "last_error": row.last_error,
    }


def notice_table(rows: list["NoticeRow"]) -> Any:
    """Notices for people."""
    from daemon.cli.out import instant, safe, table

    cells = [
        [
            instant(row.at),
            row.about,
            row.event,
            row.recipient,
            row.state,
            safe(row.last_error if row.last_error and row.state != "delivered" else row.reason, 300),
        ]
        for row in rows
    ]
    return table(["at", "about", "event", "to", "state", "why"], cells, wide="why")


@notify.command()
def retry(
    context: typer.Context,
    keys: Annotated[
        list[str] | None, typer.Argument(metavar="[KEY...]", help="Which; all that failed if none.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Send notices again that could not be delivered."""
    from daemon.cli.out import count, emit, say
    from daemon.cli.refusal import Refusal

    with open_store(read_config(context)) as store:
        dead = {row.key for row in store.notices(states=("dead",), limit=100_000)}
        unknown = sorted(set(keys or ()) - dead)
        if unknown:
            raise Refusal(f"no failed notice has the key {unknown[0]}; `incidentd notices --failed --json` shows them")
        number = store.revive(sorted(set(keys) if keys else dead))
    if as_json:
        emit({"retried": number})
    else:
        say(f"{count(number, 'notice')} will be sent again" if number else "No notice has failed.")


@notify.command("test")
def try_out(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A notifier of the configuration.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Send a real test message through one notifier, and say what happened."""
    from daemon.cli.out import complain, emit, safe, say
    from notifiers.errors import SendError
    from notifiers.registry import build_channel

    config = read_config(context)
    channel = build_channel(notifier_settings(config, name))
    message = _test_message(config)
    try:
        channel.send(message)
    except SendError as error:
        if as_json:
            emit({"notifier": name, "sent": False, "error": str(error), "permanent": error.permanent})
        else:
            again = "trying again would not help" if error.permanent else "it may work later"
            complain(safe(f"{name}: not sent: {error}; {again}", 1000))
        raise typer.Exit(1) from None
    if as_json:
        emit({"notifier": name, "sent": True, "error": "", "permanent": False})
    else:
        say(safe(f"{name}: sent, and taken by the other side"))


notify.command()(preview)


def _test_message(config: "Config") -> "Message":
    import secrets

    from daemon.clock import SystemClock
    from daemon.deliver import renderer_of
    from rules.document import NoticeContent, rfc3339

    now = SystemClock().now()
    content = NoticeContent(
        event="test",
        reason="somebody called `incidentd notify test`",
        at=rfc3339(now),
        idempotency_key=f"test:{secrets.token_hex(8)}",
    )
    return renderer_of(config).render(content, sent_at=now)


def add_to(app: typer.Typer) -> None:
    """Put the commands of this module into the command line."""
    app.command()(notices)
    notify.command()(explain)
    app.add_typer(notify)
