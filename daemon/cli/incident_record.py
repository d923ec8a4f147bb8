"""`incidentd incident open`, `set`, `step` and `export`, and `incidentd satisfaction`: the record that people keep."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from daemon.cli.moment import moment_of
from daemon.cli.options import one_of, with_options
from daemon.cli.orders import By, Number, Why, answer_to, caller_name, checked_text, give_order, read_number
from daemon.cli.place import AsJson, open_store, read_config

if TYPE_CHECKING:
    from datetime import datetime

    from rules.report import Contact, Finding, Report


_SAID: dict[str, Any] = {
    "text": Annotated[str | None, typer.Option("--text", help="The whole story.")],
    "ci": Annotated[str | None, typer.Option("--ci", help="The CI that is affected.")],
    "service": Annotated[str | None, typer.Option("--service", help="The business service that is affected.")],
    "disruption": Annotated[
        str | None, typer.Option("--disruption", help="down, degraded (where nothing is said) or at risk.")
    ],
    "category": Annotated[str | None, typer.Option("--category", help="One of those in rules.yaml.")],
    "template": Annotated[str | None, typer.Option("--template", help="A template of rules.yaml.")],
    "group": Annotated[str | None, typer.Option("--group", help="Who gets it.")],
    "priority": Annotated[str | None, typer.Option("--priority", help="P1 to P5, instead of the one worked out.")],
    "source": Annotated[str | None, typer.Option("--source", help="person (where nothing is said), event or group.")],
    "channel": Annotated[
        str | None,
        typer.Option("--channel", help="phone (where nothing is said), mail, chat, portal, api or monitoring."),
    ],
    "contact": Annotated[str | None, typer.Option("--contact", metavar="NAME", help="Whom to turn to.")],
    "organisation": Annotated[str | None, typer.Option("--organisation", help="Theirs.")],
    "mail": Annotated[str | None, typer.Option("--mail", help="Theirs; they are told of the end there.")],
    "phone": Annotated[str | None, typer.Option("--phone", help="Theirs.")],
    "observed": Annotated[
        str | None, typer.Option("--observed", metavar="TIME", help="When they noticed it, as in 20m ago.")
    ],
    "detected": Annotated[str | None, typer.Option("--detected", metavar="TIME", help="When a tool noticed it.")],
    "sign": Annotated[
        list[str] | None, typer.Option("--sign", metavar="NAME=VALUE", help="A sign of the failure; may be repeated.")
    ],
}


def _open(
    context: typer.Context,
    title: Annotated[str, typer.Argument(metavar="[TITLE]", help="In one line; a template may make it.")] = "",
    *,
    by: By = None,
    as_json: AsJson = False,
    **said: Any,
) -> None:
    """Register an incident by hand. Alerts that a failure of its CI explains join it later."""
    import secrets

    from daemon.app import order
    from daemon.cli.out import complain, emit, safe, say
    from daemon.clock import SystemClock
    from rules.decision import ReportOrder
    from rules.incident import incident_key

    now = SystemClock().now()
    report = _report(title, {name: value or "" for name, value in said.items()}, now)
    who = checked_text(by or caller_name(), "the name of who says so")
    asked = ReportOrder(id=f"cli:{secrets.token_hex(16)}", at=now, actor=who, report=report)
    reply = answer_to(order, read_config(context), asked)
    if as_json:
        number = None if reply.incident is None else incident_key(reply.incident)
        emit({"number": number, "done": reply.done, "message": reply.message})
    else:
        (say if reply.done else complain)(safe(reply.message, 1000))
    if not reply.done:
        raise typer.Exit(1)


def _report(title: str, said: dict[str, Any], now: "datetime") -> "Report":
    """What was said, checked word by word; what was not is empty."""
    from rules.report import DISRUPTIONS, Channel, Contact, Report, ReportSource

    person = Contact(name=said["contact"], **{name: said[name] for name in ("organisation", "mail", "phone")})
    return Report(
        title=checked_text(title.strip(), "the title"),
        description=checked_text(said["text"], "the text"),
        ci=checked_text(said["ci"].strip(), "the CI"),
        service=checked_text(said["service"].strip(), "the service"),
        **{name: checked_text(said[name], f"the {name}") for name in ("category", "template", "group")},
        priority=said["priority"].upper(),
        disruption=DISRUPTIONS[one_of(said["disruption"] or "degraded", list(DISRUPTIONS), "--disruption")],
        source=ReportSource(one_of(said["source"] or ReportSource.PERSON, list(map(str, ReportSource)), "--source")),
        channel=Channel(one_of(said["channel"] or Channel.PHONE, list(map(str, Channel)), "--channel")),
        contact=_contact(person),
        observed_at=_moment(said["observed"], now, "--observed"),
        detected_at=_moment(said["detected"], now, "--detected"),
        signs=_signs(said["sign"] or []),
    )


def set_(
    context: typer.Context,
    number: Number,
    field: Annotated[str, typer.Argument(metavar="FIELD", help="title, category, contact.mail, sign.NAME, …")],
    value: Annotated[str, typer.Argument(metavar="VALUE", help="Empty takes it away.")],
    *,
    reason: Why = "",
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Give one field another value; the timeline keeps the old one."""
    from rules.amend import FIELD_NAMES

    known = field in FIELD_NAMES or field.startswith(("sign.", "finding."))
    field = field if known else one_of(field, list(FIELD_NAMES), "FIELD")
    give_order(context, "set", [number], value, reason=reason, field=field, by=by, as_json=as_json)


def step(
    context: typer.Context,
    number: Number,
    place: Annotated[int, typer.Argument(metavar="STEP", min=1, help="The number of the step.")],
    *,
    done: Annotated[bool, typer.Option("--done/--open", help="Whether it is done.")] = True,
    reason: Why = "",
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Check a step off, with your name and the time, or take that back."""
    word = "done" if done else "open"
    give_order(context, "step", [number], word, reason=reason, field=str(place), by=by, as_json=as_json)


def export(
    context: typer.Context,
    number: Number,
    *,
    text: Annotated[bool, typer.Option("--text", help="Print prose, which is the default.")] = False,
    as_json: AsJson = False,
) -> None:
    """The whole record of an incident with its timeline and the draft of a review, as prose or JSON."""
    import msgspec

    from daemon.cli.incident_fields import whole_of
    from daemon.cli.out import emit, safe
    from daemon.clock import SystemClock
    from rules.review import review_of

    if text and as_json:
        raise typer.BadParameter("--text and --json exclude each other")
    with open_store(read_config(context)) as store:
        whole = whole_of(store, read_number(number))
    review = review_of(whole.incident, whole.timeline, whole.alerts, whole.ratings, SystemClock().now())
    if as_json:
        emit({**whole.document(), "review": msgspec.to_builtins(review)})
        return
    for line in review.text.splitlines():
        typer.echo(safe(line, 5000))


def satisfaction(
    context: typer.Context,
    *,
    since: Annotated[
        str, typer.Option("--since", metavar="TIME", help="From then on: RFC 3339, or as in 30d ago.")
    ] = "30d",
    limit: Annotated[int, typer.Option("--limit", min=0, max=1000, help="So many answers are shown.")] = 20,
    as_json: AsJson = False,
) -> None:
    """How content people are with how incidents were handled."""
    from daemon.cli.out import count, emit, say, table
    from daemon.clock import SystemClock
    from rules.satisfaction_document import figures_document

    begin = moment_of(since, SystemClock().now(), "--since")
    with open_store(read_config(context)) as store:
        found = figures_document(store.ratings.since(begin), begin, limit)
    if as_json:
        emit(found)
    elif found.mean is None or found.content_share is None:
        say("Nobody has answered since then.")
    else:
        scores = ", ".join(f"{score}: {number}" for score, number in found.scores.items())
        mean = f"{found.mean:.1f} of 5 on average, {found.content_share:.0%} content"
        say(f"{count(found.answers, 'answer')}, {mean} ({scores})")
        rows = [[r.at[:16].replace("T", " "), r.incident, f"{r.score} of 5", r.by, r.remark] for r in found.latest]
        say(table(["at", "incident", "score", "by", "remark"], rows, wide="remark"))


def _contact(contact: "Contact") -> "Contact":
    from rules.report import wrong_contact

    if wrong := wrong_contact(contact):
        option = {"contact.name": "contact"}.get(wrong[0], wrong[0].removeprefix("contact."))
        raise typer.BadParameter(wrong[1], param_hint=f"--{option}")
    return contact


def _moment(text: str, now: "datetime", option: str) -> "datetime | None":
    return moment_of(text, now, option) if text else None


def _signs(texts: list[str]) -> "tuple[Finding, ...]":
    from rules.report import Finding, wrong_finding

    found = []
    for text in texts:
        name, equals, value = checked_text(text, "the sign").partition("=")
        finding = Finding(name=name.strip(), value=value.strip())
        wrong = wrong_finding(finding) if equals and finding.value else f'"{text[:60]}" gives no value'
        if wrong:
            raise typer.BadParameter(f"{wrong}; as in error=timeout", param_hint="--sign")
        found.append(finding)
    return tuple(found)


def add_to(app: typer.Typer, incident: typer.Typer) -> None:
    """Put the commands of this module into the command line."""
    for name, command in (("open", with_options(_open, _SAID)), ("set", set_), ("step", step), ("export", export)):
        incident.command(name)(command)
    app.command()(satisfaction)
