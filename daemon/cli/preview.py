"""`incidentd notify preview`: how a notice reads, before anybody gets it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from daemon.cli.options import one_of
from daemon.cli.orders import read_number
from daemon.cli.place import AsJson, open_store, read_config

if TYPE_CHECKING:
    from daemon.config.config import Config
    from notifiers.base import Message
    from rules.document import NoticeContent

Event = Annotated[str | None, typer.Option("--event", help="opened, resolved, summary, …; a sample without NUMBER.")]
Audience = Annotated[str | None, typer.Option("--audience", help="operator, manager or customer.")]
Language = Annotated[str | None, typer.Option("--language", help="en, ru, or one of which you have a catalogue.")]
Channel = Annotated[str | None, typer.Option("--channel", metavar="NAME", help="With this notifier's own templates.")]
Html = Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write the page for mail programs there.")]


def preview(
    context: typer.Context,
    number: Annotated[str | None, typer.Argument(metavar="[NUMBER]", help="An incident, as in INC-3 or 3.")] = None,
    *,
    event: Event = None,
    audience: Audience = None,
    language: Language = None,
    channel: Channel = None,
    html: Html = None,
    as_json: AsJson = False,
) -> None:
    """Show a notice as it would be sent: of an incident on record, else of a made-up one."""
    from notifiers.page import AUDIENCES
    from notifiers.samples import SAMPLED

    config = read_config(context)
    event = one_of(event, [*SAMPLED, "test"], "--event") if event else None
    audience = one_of(audience, AUDIENCES, "--audience") if audience else None
    if channel is not None:
        notifier_settings(config, channel)
    content = _sample(event or "opened") if number is None else _recorded(config, read_number(number), event)
    message = _rendered(config, content, audience, language, channel or "")
    if html is not None:
        _write(html, message.html)
    _show(message, html, as_json=as_json)


def notifier_settings(config: "Config", name: str) -> Any:
    """The settings of the notifier of that name; Refusal where there is none."""
    from daemon.cli.refusal import Refusal
    from daemon.config.fields import suggestion

    names = [n.name for n in config.notifiers]
    if name not in names:
        allowed = suggestion(name, names) if names else "there are no notifiers"
        raise Refusal(f'there is no notifier "{name}"; {allowed}')
    return config.notifiers[names.index(name)]


def _sample(event: str) -> "NoticeContent":
    from notifiers.samples import samples

    return {content.event: content for content in samples()}[event]


def _recorded(config: "Config", number: int, event: str | None) -> "NoticeContent":
    """The last notice of the incident, or the last of that event; where there was none, what it would say now."""
    import msgspec

    from daemon.cli.incident_fields import whole_of
    from daemon.clock import SystemClock
    from rules.document import NoticeContent, alert_document, incident_document, rfc3339

    with open_store(config) as store:
        whole = whole_of(store, number)
    for row in whole.notices:
        content = msgspec.json.decode(row.content, type=NoticeContent)
        if event in (None, row.event) and content.incident is not None:
            alerts = tuple(map(alert_document, whole.alerts))
            return msgspec.structs.replace(content, incident=msgspec.structs.replace(content.incident, alerts=alerts))
    return NoticeContent(
        event=event or "opened",
        reason=whole.incident.priority_reason,
        at=rfc3339(SystemClock().now()),
        idempotency_key="preview",
        incident=incident_document(whole.incident, whole.alerts),
    )


def _rendered(
    config: "Config", content: "NoticeContent", audience: str | None, language: str | None, channel: str
) -> "Message":
    import msgspec

    from daemon.clock import SystemClock
    from daemon.deliver import renderer_of

    renderer = renderer_of(config)
    if language is not None:
        one_of(language, sorted(renderer.languages.by_code), "--language")
    wanted = {"audience": audience, "language": language}
    content = msgspec.structs.replace(content, **{name: word for name, word in wanted.items() if word})
    return renderer.render(content, sent_at=SystemClock().now(), to=channel)


def _write(path: Path, page: str) -> None:
    from daemon.cli.refusal import Refusal

    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise Refusal(f"{path} cannot be written: {error.strerror}") from None


def _show(message: "Message", html: Path | None, *, as_json: bool) -> None:
    from daemon.cli.out import complain, emit, say

    if message.fault:
        complain(message.fault)
    if as_json:
        fields = ("subject", "brief", "text", "html", "fault")
        emit({"event": message.content.event, **{name: getattr(message, name) for name in fields}})
        return
    say(f"Subject: {message.subject}", "", message.text.rstrip(), "", "In short:", message.brief)
    if html is not None:
        say("", f"The page is in {html}")
