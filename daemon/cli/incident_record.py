"""`incidentd incident open`, `set`, `step` and `export`, and `incidentd satisfaction`: the record that people keep."""

from typing import TYPE_CHECKING, Annotated

import typer

from daemon.cli.moment import moment_of
from daemon.cli.orders import By, Number, Why, answer_to, caller_name, checked_text, give_order, read_number
from daemon.cli.place import AsJson, open_store, read_config

if TYPE_CHECKING:
    from datetime import datetime

    from rules.report import Contact, Finding


def open_(
    context: typer.Context,
    title: Annotated[str, typer.Argument(metavar="[TITLE]", help="In one line; a template may make it.")] = "",
    *,
    text: Annotated[str, typer.Option("--text", help="The whole story.")] = "",
    ci: Annotated[str, typer.Option("--ci", help="The CI that is affected.")] = "",
    service: Annotated[str, typer.Option("--service", help="The business service that is affected.")] = "",
    disruption: Annotated[str, typer.Option("--disruption", help="down, degraded or at risk.")] = "degraded",
    category: Annotated[str, typer.Option("--category", help="One of those in rules.yaml.")] = "",
    template: Annotated[str, typer.Option("--template", help="A template of rules.yaml.")] = "",
    group: Annotated[str, typer.Option("--group", help="Who gets it.")] = "",
    priority: Annotated[str, typer.Option("--priority", help="P1 to P5, instead of the one worked out.")] = "",
    source: Annotated[str, typer.Option("--source", help="person, event or group.")] = "person",
    channel: Annotated[str, typer.Option("--channel", help="phone, mail, chat, portal, api or monitoring.")] = "phone",
    contact: Annotated[str, typer.Option("--contact", metavar="NAME", help="Whom to turn to.")] = "",
    organisation: Annotated[str, typer.Option("--organisation", help="Theirs.")] = "",
    mail: Annotated[str, typer.Option("--mail", help="Theirs; they are told of the end there.")] = "",
    phone: Annotated[str, typer.Option("--phone", help="Theirs.")] = "",
    observed: Annotated[
        str, typer.Option("--observed", metavar="TIME", help="When they noticed it, as in 20m ago.")
    ] = "",
    detected: Annotated[str, typer.Option("--detected", metavar="TIME", help="When a tool noticed it.")] = "",
    sign: Annotated[
        list[str] | None, typer.Option("--sign", metavar="NAME=VALUE", help="A sign of the failure; may be repeated.")
    ] = None,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Register an incident by hand. Alerts that a failure of its CI explains join it later."""
    import secrets

    from daemon.app import order
    from daemon.cli.out import complain, emit, safe, say
    from daemon.clock import SystemClock
    from rules.decision import ReportOrder
    from rules.incident import incident_key
    from rules.report import DISRUPTIONS, Channel, Contact, Report, ReportSource

    now = SystemClock().now()
    report = Report(
        title=checked_text(title.strip(), "the title"),
        description=checked_text(text, "the text"),
        category=checked_text(category, "the category"),
        ci=checked_text(ci.strip(), "the CI"),
        service=checked_text(service.strip(), "the service"),
        template=checked_text(template, "the template"),
        group=checked_text(group, "the group"),
        priority=priority.upper(),
        disruption=DISRUPTIONS[_one_of(disruption, list(DISRUPTIONS), "--disruption")],
        source=ReportSource(_one_of(source, list(map(str, ReportSource)), "--source")),
        channel=Channel(_one_of(channel, list(map(str, Channel)), "--channel")),
        contact=_contact(Contact(name=contact, organisation=organisation, mail=mail, phone=phone)),
        observed_at=_moment(observed, now, "--observed"),
        detected_at=_moment(detected, now, "--detected"),
        signs=_signs(sign or []),
    )
    who = checked_text(by or caller_name(), "the name of who says so")
    asked = ReportOrder(id=f"cli:{secrets.token_hex(16)}", at=now, actor=who, report=report)
    reply = answer_to(order, read_config(context), asked)
    number = None if reply.incident is None else incident_key(reply.incident)
    if as_json:
        emit({"number": number, "done": reply.done, "message": reply.message})
    elif reply.done:
        say(safe(reply.message, 1000))
    else:
        complain(safe(reply.message, 1000))
    if not reply.done:
        raise typer.Exit(1)


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
    field = field if known else _one_of(field, list(FIELD_NAMES), "FIELD")
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

    from daemon.cli.notices import notice_fields
    from daemon.cli.orders import entry_fields
    from daemon.cli.out import emit, safe
    from daemon.cli.refusal import Refusal
    from daemon.clock import SystemClock
    from rules.document import incident_document
    from rules.incident import incident_key
    from rules.review import review_of
    from rules.satisfaction_document import contact_document, rating_document

    if text and as_json:
        raise typer.BadParameter("--text and --json exclude each other")
    wanted = read_number(number)
    with open_store(read_config(context)) as store:
        found = store.incident(wanted)
        if found is None:
            raise Refusal(f"there is no incident {incident_key(wanted)}; `incidentd incident list` shows them")
        alerts, timeline, ratings = store.alerts_of(wanted), store.timeline(wanted), store.ratings.of_incident(wanted)
        notices = store.notices(incident=wanted, limit=1000) if as_json else []
    review = review_of(found, timeline, alerts, ratings, SystemClock().now())
    if not as_json:
        for line in review.text.splitlines():
            typer.echo(safe(line, 5000))
        return
    emit(
        {
            "incident": msgspec.to_builtins(incident_document(found, alerts)),
            "contact": msgspec.to_builtins(contact_document(found.contact)),
            "timeline": [entry_fields(e) for e in timeline],
            "notices": [notice_fields(n) for n in notices],
            "ratings": [msgspec.to_builtins(rating_document(r)) for r in ratings],
            "review": msgspec.to_builtins(review),
        }
    )


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


def _one_of(word: str, words: list[str], option: str) -> str:
    from rules.words import one_of

    if word not in words:
        raise typer.BadParameter(one_of(word, words), param_hint=option)
    return word


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
    for name, command in (("open", open_), ("set", set_), ("step", step), ("export", export)):
        incident.command(name)(command)
    app.command()(satisfaction)
