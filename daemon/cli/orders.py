"""Giving orders from the command line. Each goes the way of every change: through the one cycle that decides, in the
running daemon where there is one, else here."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from daemon.cli.place import read_config

if TYPE_CHECKING:
    from collections.abc import Callable

    from daemon.config.config import Config
    from rules.decision import Order, Reply, Resolving

Number = Annotated[str, typer.Argument(metavar="NUMBER", help="As in INC-42, or 42.")]
Numbers = Annotated[list[str], typer.Argument(metavar="NUMBER...", help="As in INC-42, or 42; several at once.")]
By = Annotated[str | None, typer.Option("--by", metavar="WHO", help="Who says so; else the user who calls this.")]
Why = Annotated[str, typer.Option("--reason", help="Why, for the timeline.")]
LONGEST_TEXT = 4000


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
