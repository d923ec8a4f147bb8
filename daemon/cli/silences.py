"""`incidentd silence`: what calls nobody for a while."""

from typing import TYPE_CHECKING, Annotated

import typer

from daemon.cli.lengths import length_of
from daemon.cli.orders import By, answer_to, caller_name, checked_text
from daemon.cli.place import AsJson, open_store, read_config

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from daemon.config.config import Config
    from rules.decision import Reply, SilenceOrder
    from rules.matchers import Matcher
    from rules.silence import Silence

silence = typer.Typer(name="silence", help="Silences: alerts that call nobody for a while.", no_args_is_help=True)


@silence.command()
def add(
    context: typer.Context,
    matchers: Annotated[
        list[str], typer.Argument(metavar="MATCHER...", help='As in alertname=DiskFull or ci=~"db[12]"; all must hold.')
    ],
    *,
    length: Annotated[str, typer.Option("--for", metavar="TIME", help="How long, as in 2h.")],
    comment: Annotated[str, typer.Option("--comment", metavar="TEXT", help="Why.")],
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Silence the alerts whose labels meet all matchers, from now on. They still count in the diagnosis of others."""
    import uuid

    from daemon.cli.out import emit, instant, safe, say
    from daemon.cli.refusal import Refusal
    from daemon.clock import SystemClock
    from rules.decision import SilenceOrder
    from rules.silence import wrong_with

    now, order_id = SystemClock().now(), str(uuid.uuid4())
    wanted = _silence(_matchers(matchers), now, length_of(length, "--for"), comment, by)
    if wrong := wrong_with(wanted, now):
        raise Refusal(f"{wrong[0]}: {wrong[1]}")
    config = read_config(context)
    reply = _ask(config, SilenceOrder(id=order_id, at=now, actor=wanted.created_by, silence=wanted))
    if as_json:
        emit({"silenceID": order_id, "done": reply.done, "message": reply.message})
    elif reply.done:
        say(safe(f"silence {order_id[:8]} holds until {instant(wanted.ends_at)}"))
    _end_with(reply, as_json)


@silence.command("list")
def list_(
    context: typer.Context,
    *,
    everything: Annotated[bool, typer.Option("--all", help="Expired ones of the last 120 hours as well.")] = False,
    as_json: AsJson = False,
) -> None:
    """Silences that hold or will hold."""
    from daemon.cli.out import emit, instant, say, table
    from daemon.clock import SystemClock
    from rules.document import silence_document
    from rules.silence import SilenceState, listed

    now = SystemClock().now()
    with open_store(read_config(context)) as store:
        found = listed(store.silences(), now)
    shown = [s for s in found if everything or s.state_at(now) is not SilenceState.EXPIRED]
    if as_json:
        emit({"silences": [silence_document(s, now) for s in shown]})
    elif not shown:
        say("There are no silences.")
    else:
        rows = [
            [s.short_id, str(s.state_at(now)), instant(s.ends_at), ", ".join(m.text for m in s.matchers), _whose(s)]
            for s in shown
        ]
        say(table(["silence", "state", "until", "matchers", "by"], rows, wide="by"))


@silence.command()
def end(
    context: typer.Context,
    key: Annotated[str, typer.Argument(metavar="ID", help="Its id, or the first characters of it.")],
    *,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """End a silence now; what still fires opens its incident."""
    import uuid

    from daemon.cli.out import emit, safe, say
    from daemon.clock import SystemClock
    from rules.decision import SilenceOrder

    config = read_config(context)
    with open_store(config) as store:
        known = _one_of(store.silences(), key)
    who = checked_text(by or caller_name(), "the name of who says so")
    reply = _ask(config, SilenceOrder(id=str(uuid.uuid4()), at=SystemClock().now(), actor=who, ends=known.id))
    if as_json:
        emit({"silenceID": known.id, "done": reply.done, "message": reply.message})
    elif reply.done:
        say(safe(reply.message))
    _end_with(reply, as_json)


def _silence(
    matchers: "tuple[Matcher, ...]", now: "datetime", length: "timedelta", comment: str, by: str | None
) -> "Silence":
    from rules.silence import Silence

    return Silence(
        id="",
        matchers=matchers,
        starts_at=now,
        ends_at=now + length,
        updated_at=now,
        created_by=checked_text(by or caller_name(), "the name of who says so"),
        comment=checked_text(comment, "the comment"),
    )


def _matchers(texts: list[str]) -> "tuple[Matcher, ...]":
    from rules.matchers import parse_matchers

    try:
        # A bare word is an alert's name, as amtool has it.
        return parse_matchers(text if any(c in text for c in "=~") else f"alertname={text}" for text in texts)
    except ValueError as error:
        raise typer.BadParameter(f"{error}; allowed: name=value, !=, =~ and !~", param_hint="MATCHER") from None


def _one_of(silences: "list[Silence]", key: str) -> "Silence":
    from daemon.cli.refusal import Refusal

    found = [s for s in silences if s.id.startswith(key.lower())]
    if not found or not key:
        raise Refusal(f"there is no silence {key}; `incidentd silence list --all` shows them")
    if len(found) > 1:
        raise Refusal(f"{len(found)} silences begin with {key}; give more of the id")
    return found[0]


def _whose(silence: "Silence") -> str:
    return f"{silence.created_by}: {silence.comment}"


def _ask(config: "Config", order: "SilenceOrder") -> "Reply":
    from daemon.app import order as give

    return answer_to(give, config, order)


def _end_with(reply: "Reply", as_json: bool) -> None:
    from daemon.cli.out import complain, safe

    if not reply.done:
        if not as_json:
            complain(safe(reply.message, 1000))
        raise typer.Exit(1)


def add_to(app: typer.Typer) -> None:
    """Put the commands of this module into the command line."""
    app.add_typer(silence)
