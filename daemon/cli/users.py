"""`incidentd user`: people who may log in."""

from typing import TYPE_CHECKING, Annotated

import typer

from daemon.cli.place import AsJson, open_store, read_config, read_estate
from rules.access import Role

if TYPE_CHECKING:
    from daemon.store.rows import UserRow

user = typer.Typer(name="user", help="People who may log in, and their roles.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="a-z, 0-9, . _ @ and -, as in anna or anna@example.net.")]
Groups = Annotated[list[str] | None, typer.Option("--group", help="A group the user belongs to; may be repeated.")]
Services = Annotated[
    list[str] | None,
    typer.Option("--service", help="A business service; the user sees only these. May be repeated."),
]
FromStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password, unseen on a terminal; else one is made up.")
]


@user.command()
def add(
    context: typer.Context,
    name: Name,
    *,
    role: Annotated[Role, typer.Option("--role", help="What the user may do; docs/access.md has the table.")],
    group: Groups = None,
    service: Services = None,
    password_stdin: FromStdin = False,
    as_json: AsJson = False,
) -> None:
    """Let a person in. A password that was made up is printed, this once: only a hash of it is kept."""
    from daemon.accounts import add_user, known_groups, known_name
    from daemon.cli.doer import doer

    known, groups, services = known_name(name), known_groups(group or []), _services(context, service)
    with open_store(read_config(context)) as store:
        given = _given(password_stdin)
        password = add_user(store, known, role, groups, password=given, services=services, by=doer())
    _tell_password(known, "" if given else password, as_json, role=str(role), groups=groups, services=services)


@user.command("list")
def list_(context: typer.Context, *, as_json: AsJson = False) -> None:
    """All users, by name."""
    from daemon.cli.out import emit, instant, say, table

    with open_store(read_config(context)) as store:
        rows = store.users.all()
    if as_json:
        emit({"users": [_fields(row) for row in rows]})
    elif not rows:
        say("There are no users; `incidentd user add NAME --role ROLE` makes one.")
    else:
        cells = [
            [
                r.name,
                str(r.role),
                ", ".join(r.groups),
                "elsewhere" if r.is_external else "on" if r.has_second_factor else "",
                ", ".join(r.services) or "everything",
                instant(r.created_at),
                instant(r.disabled_at),
            ]
            for r in rows
        ]
        say(table(["name", "role", "groups", "second factor", "sees", "created", "disabled"], cells))


@user.command()
def role(
    context: typer.Context,
    name: Name,
    word: Annotated[Role, typer.Argument(metavar="ROLE", help="viewer, reporter, operator, manager or admin.")],
    *,
    group: Groups = None,
    as_json: AsJson = False,
) -> None:
    """Give a user another role, which counts at once, and other groups where any are named; every session of theirs
    ends."""
    from daemon.accounts import give_role, known_name
    from daemon.cli.doer import doer

    known = known_name(name)
    with open_store(read_config(context)) as store:
        give_role(store, known, word, group, by=doer())
    _say({"name": known, "role": str(word)}, f"{known} is {word}", as_json)


@user.command()
def limit(
    context: typer.Context,
    name: Name,
    services: Annotated[
        list[str] | None, typer.Argument(metavar="[SERVICE]...", help="Business services, by their ids or aliases.")
    ] = None,
    *,
    everything: Annotated[bool, typer.Option("--everything", help="Lift the limit.")] = False,
    as_json: AsJson = False,
) -> None:
    """Let a user see only the incidents that hit one of these business services, and their own; every session of
    theirs ends."""
    from daemon.accounts import known_name, limit_user
    from daemon.cli.doer import doer
    from daemon.cli.refusal import Refusal

    if everything is bool(services):
        raise Refusal("name the business services, or say --everything")
    known, seen = known_name(name), _services(context, services)
    with open_store(read_config(context)) as store:
        limit_user(store, known, seen, by=doer())
    _say(
        {"name": known, "services": seen},
        f"{known} sees {'only ' if seen else ''}{', '.join(seen) or 'everything'}",
        as_json,
    )


@user.command()
def passwd(context: typer.Context, name: Name, *, password_stdin: FromStdin = False, as_json: AsJson = False) -> None:
    """Give a user another password; every session of theirs ends."""
    from daemon.accounts import give_password, known_name
    from daemon.cli.doer import doer

    known = known_name(name)
    with open_store(read_config(context)) as store:
        password = give_password(store, known, _given(password_stdin), by=doer())
    _tell_password(known, "" if password_stdin else password, as_json)


@user.command()
def disable(context: typer.Context, name: Name, *, as_json: AsJson = False) -> None:
    """Let a user in no more, by session or token, from now on; nothing of theirs is forgotten."""
    _set_disabled(context, name, True, as_json)


@user.command()
def enable(context: typer.Context, name: Name, *, as_json: AsJson = False) -> None:
    """Let a disabled user in again."""
    _set_disabled(context, name, False, as_json)


@user.command("reset-second-factor")
def reset_second_factor(context: typer.Context, name: Name, *, as_json: AsJson = False) -> None:
    """Forget the second factor and the recovery codes of somebody who has lost them; every session of theirs ends."""
    from daemon import accounts
    from daemon.cli.doer import doer

    known = accounts.known_name(name)
    with open_store(read_config(context)) as store:
        accounts.reset_second_factor(store, known, by=doer())
    _say({"name": known, "second_factor": False}, f"{known} has no second factor any more", as_json)


@user.command()
def history(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="One user or token only.")] = "",
    *,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="So many lines.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Who administered users and tokens, the latest first."""
    from daemon.api.audit import act_document
    from daemon.cli.out import emit, instant, say, table

    with open_store(read_config(context)) as store:
        acts = store.audit.latest(limit, subject=name)
    if as_json:
        emit({"acts": list(map(act_document, acts))})
    elif not acts:
        say("Nothing has been administered yet.")
    else:
        cells = [[instant(a.at), a.by.name, a.by.via, a.action, a.subject, a.details] for a in acts]
        say(table(["when", "who", "from", "what", "of", "details"], cells))


def _set_disabled(context: typer.Context, name: str, disabled: bool, as_json: bool) -> None:
    from daemon.accounts import known_name, must_exist
    from daemon.cli.doer import doer

    known = known_name(name)
    with open_store(read_config(context)) as store:
        must_exist(known, store.users.set_disabled(known, disabled=disabled, by=doer()))
    _say({"name": known, "disabled": disabled}, f"{known} is {'disabled' if disabled else 'let in again'}", as_json)


def _services(context: typer.Context, names: list[str] | None) -> tuple[str, ...]:
    """The ids of business services, which are looked up in the CMDB of the configuration."""
    from daemon.accounts import known_services

    return known_services(read_estate(context, None), names) if names else ()


def _given(from_stdin: bool) -> str:
    """The password that is typed or piped in; empty where one is to be made up."""
    import getpass
    import sys

    from daemon.cli.refusal import Refusal

    if not from_stdin:
        return ""
    given = getpass.getpass("Password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    if not given:
        raise Refusal("no password came on standard input")
    return given


def _tell_password(name: str, password: str, as_json: bool, **known: object) -> None:
    """Say what was done; a password that was made up stands alone on standard output."""
    from daemon.cli.out import complain, emit

    if as_json:
        emit({"name": name, **known, **({"password": password} if password else {})})
    elif password:
        typer.echo(password)
        complain(f"this is the only time the password of {name} is shown")
    else:
        complain(f"{name} has the password that was given")


def _say(document: dict[str, object], words: str, as_json: bool) -> None:
    from daemon.cli.out import emit, safe, say

    if as_json:
        emit(document)
    else:
        say(safe(words))


def _fields(row: "UserRow") -> dict[str, object]:
    from rules.document import rfc3339

    return {
        "name": row.name,
        "role": str(row.role),
        "groups": list(row.groups),
        "second_factor": row.has_second_factor,
        "single_sign_on": row.is_external,
        "services": list(row.services),
        "created_at": rfc3339(row.created_at),
        "disabled_at": None if row.disabled_at is None else rfc3339(row.disabled_at),
    }


def add_to(app: typer.Typer) -> None:
    """Put the commands of this module into the command line."""
    app.add_typer(user)
