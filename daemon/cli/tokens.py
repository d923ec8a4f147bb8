"""`incidentd token`: who may use the HTTP interface."""

from typing import TYPE_CHECKING, Annotated

import typer

from daemon.cli.place import AsJson, open_store, read_config
from rules.access import Scope

if TYPE_CHECKING:
    from daemon.store.rows import TokenRow

token = typer.Typer(name="token", help="Access tokens for the HTTP interface.", no_args_is_help=True)


Name = Annotated[str, typer.Argument(metavar="NAME", help="What the token is for, as in grafana.")]
Scopes = Annotated[list[Scope], typer.Option("--scope", help="What it allows; may be repeated.")]


@token.command()
def create(
    context: typer.Context,
    name: Annotated[
        str, typer.Argument(metavar="[NAME]", help="What it is for, as in grafana; made up for --user.")
    ] = "",
    *,
    user: Annotated[
        str, typer.Option("--user", metavar="NAME", help="Whose it is: it never allows more than their role.")
    ] = "",
    scope: Scopes = [Scope.READ],  # noqa: B006  typer reads the default, nobody changes it
    expires: Annotated[
        str,
        typer.Option("--expires", metavar="TIME", help="When it ends, as in 90d or 2027-01-31T00:00:00Z; else never."),
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Make a token and print it, this once: only a digest of it is kept."""
    from daemon.accounts import make_token
    from daemon.cli.doer import doer
    from daemon.cli.moment import moment_ahead
    from daemon.cli.out import complain, emit, instant
    from daemon.clock import SystemClock
    from rules.document import rfc3339

    owner = user.strip().lower()
    ends = moment_ahead(expires, SystemClock().now(), "--expires") if expires else None
    scopes = sorted({str(s) for s in scope})
    with open_store(read_config(context)) as store:
        named, text = make_token(store, name, scope, owner=owner, expires_at=ends, by=doer())
    if as_json:
        known = {"user": owner or None, "expires_at": None if ends is None else rfc3339(ends)}
        emit({"name": named, "scopes": scopes, **known, "token": text})
        return
    typer.echo(text)
    limits = "".join(
        (f", as far as the role of {owner} does" if owner else "", f", until {instant(ends)}" if ends else "")
    )
    complain(f"this is the only time the token {named} is shown; it allows {', '.join(scopes)}{limits}")


@token.command("list")
def list_(context: typer.Context, *, as_json: AsJson = False) -> None:
    """All tokens, by name; never the tokens themselves."""
    from daemon.cli.out import emit, instant, say, table

    with open_store(read_config(context)) as store:
        rows = store.tokens()
    if as_json:
        emit({"tokens": [_fields(row) for row in rows]})
    elif not rows:
        say("There are no tokens; `incidentd token create NAME` makes one.")
    else:
        cells = [
            [r.name, r.owner, ", ".join(sorted(r.scopes)), instant(r.created_at), instant(r.expires_at)] for r in rows
        ]
        say(table(["name", "user", "scopes", "created", "expires"], cells))


def _fields(row: "TokenRow") -> dict[str, object]:
    from rules.document import rfc3339

    return {
        "name": row.name,
        "user": row.owner or None,
        "scopes": sorted(row.scopes),
        "created_at": rfc3339(row.created_at),
        "expires_at": None if row.expires_at is None else rfc3339(row.expires_at),
    }


@token.command()
def revoke(context: typer.Context, name: Name, *, as_json: AsJson = False) -> None:
    """Make a token worthless at once."""
    from daemon.cli.doer import doer
    from daemon.cli.out import emit, safe, say
    from daemon.cli.refusal import Refusal

    with open_store(read_config(context)) as store:
        if not store.revoke_token(name, by=doer()):
            raise Refusal(f"there is no token named {name}; `incidentd token list` shows them")
    if as_json:
        emit({"name": name, "revoked": True})
    else:
        say(safe(f"{name} is revoked"))


def add_to(app: typer.Typer) -> None:
    """Put the commands of this module into the command line."""
    app.add_typer(token)
