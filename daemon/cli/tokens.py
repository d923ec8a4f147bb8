"""`incidentd token`: who may use the HTTP interface."""

import enum
from typing import Annotated

import typer

from daemon.cli.place import AsJson, open_store, read_config

token = typer.Typer(name="token", help="Access tokens for the HTTP interface.", no_args_is_help=True)
PREFIX = "inc_"
_BYTES = 32


class Scope(enum.StrEnum):
    """What a token allows: `push` sends alerts, `read` sees everything, `write` changes incidents."""

    PUSH = "push"
    READ = "read"
    WRITE = "write"


Name = Annotated[str, typer.Argument(metavar="NAME", help="What the token is for, as in grafana.")]
Scopes = Annotated[list[Scope], typer.Option("--scope", help="What it allows; may be repeated.")]


@token.command()
def create(
    context: typer.Context,
    name: Name,
    *,
    scope: Scopes = [Scope.READ],  # noqa: B006  typer reads the default, nobody changes it
    as_json: AsJson = False,
) -> None:
    """Make a token and print it, this once: only a digest of it is kept."""
    import hashlib
    import secrets

    from daemon.cli.out import complain, emit
    from daemon.cli.refusal import Refusal

    if not (0 < len(name) <= 100 and name.isprintable()):
        raise Refusal("the name of a token is 1 to 100 printable characters")
    text = PREFIX + secrets.token_urlsafe(_BYTES)
    scopes = sorted({str(s) for s in scope})
    with open_store(read_config(context)) as store:
        store.add_token(name, hashlib.sha256(text.encode()).hexdigest(), frozenset(scopes))
    if as_json:
        emit({"name": name, "scopes": scopes, "token": text})
        return
    typer.echo(text)
    complain(f"this is the only time the token {name} is shown; it allows {', '.join(scopes)}")


@token.command("list")
def list_(context: typer.Context, *, as_json: AsJson = False) -> None:
    """All tokens, by name; never the tokens themselves."""
    from daemon.cli.out import emit, instant, say, table
    from rules.document import rfc3339

    with open_store(read_config(context)) as store:
        rows = store.tokens()
    if as_json:
        emit(
            {
                "tokens": [
                    {"name": r.name, "scopes": sorted(r.scopes), "created_at": rfc3339(r.created_at)} for r in rows
                ]
            }
        )
    elif not rows:
        say("There are no tokens; `incidentd token create NAME` makes one.")
    else:
        say(
            table(
                ["name", "scopes", "created"],
                [[r.name, ", ".join(sorted(r.scopes)), instant(r.created_at)] for r in rows],
            )
        )


@token.command()
def revoke(context: typer.Context, name: Name, *, as_json: AsJson = False) -> None:
    """Make a token worthless at once."""
    from daemon.cli.out import emit, safe, say
    from daemon.cli.refusal import Refusal

    with open_store(read_config(context)) as store:
        if not store.revoke_token(name):
            raise Refusal(f"there is no token named {name}; `incidentd token list` shows them")
    if as_json:
        emit({"name": name, "revoked": True})
    else:
        say(safe(f"{name} is revoked"))


def add_to(app: typer.Typer) -> None:
    """Put the commands of this module into the command line."""
    app.add_typer(token)
