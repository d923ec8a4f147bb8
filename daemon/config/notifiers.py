"""The kinds of notifier in `incidentd.yaml`, and from their checked sections to settings."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field

from daemon.config.context import Context
from daemon.config.document import Loc
from daemon.config.fields import Duration, Headers, Host, HttpUrl, Name, Number, SecretUrl, Texts, Timeout
from daemon.config.parts import given, headers_of
from daemon.config.schema import Section
from notifiers.apprise_settings import AppriseSettings
from notifiers.chat_settings import MattermostSettings, SlackSettings, TelegramSettings
from notifiers.secret import Secret
from notifiers.settings import EmailSettings, NotifierSettings, Rate, WebhookSettings, faults

_MAIL_PORTS = {"starttls": 587, "implicit": 465, "none": 25}
_SHARED = ("timeout", "concurrency")


class RateSection(Section):
    """How much may leave through a notifier."""

    notices: Annotated[Number, Field(ge=1, le=100_000)]
    within: Duration


class Notifier(Section):
    """What every notifier has."""

    files = ("ca_file",)
    name: Name
    timeout: Timeout | None = None
    ca_file: str | None = None
    rate: RateSection | None = None
    concurrency: Annotated[Number, Field(ge=1, le=64)] | None = None


class WebhookNotifier(Notifier):
    """A program that is told by HTTP POST."""

    secrets = ("url", "secret", "bearer_token")
    required_secrets = ("url",)
    type: Literal["webhook"]
    url: SecretUrl | None = None
    url_file: str | None = None
    url_credential: str | None = None
    secret: str | None = None
    secret_file: str | None = None
    secret_credential: str | None = None
    bearer_token: str | None = None
    bearer_token_file: str | None = None
    bearer_token_credential: str | None = None
    headers: Headers = Field(default_factory=dict)


class EmailNotifier(Notifier):
    """People who are told by mail."""

    secrets = ("password",)
    type: Literal["email"]
    host: Host
    port: Annotated[Number, Field(ge=1, le=65535)] | None = None
    tls: Literal["starttls", "implicit", "none"] = "starttls"
    username: str | None = None
    password: str | None = None
    password_file: str | None = None
    password_credential: str | None = None
    sender: Annotated[str, Field(alias="from")]
    recipients: Annotated[Texts, Field(alias="to", min_length=1)]
    pictures: bool = True


class ChatNotifier(Notifier):
    """What every chat has."""

    required_secrets = ("token",)
    to: str
    token: str | None = None
    token_file: str | None = None
    token_credential: str | None = None


class SlackNotifier(ChatNotifier):
    """A Slack workspace."""

    secrets = ("token", "signing_secret")
    type: Literal["slack"]
    url: HttpUrl | None = None
    signing_secret: str | None = None
    signing_secret_file: str | None = None
    signing_secret_credential: str | None = None


class MattermostNotifier(ChatNotifier):
    """A Mattermost server."""

    secrets = ("token", "webhook_token")
    type: Literal["mattermost"]
    url: HttpUrl
    webhook_token: str | None = None
    webhook_token_file: str | None = None
    webhook_token_credential: str | None = None


class TelegramNotifier(ChatNotifier):
    """A Telegram bot."""

    secrets = ("token", "secret_token")
    type: Literal["telegram"]
    url: HttpUrl | None = None
    topic: Annotated[Number, Field(ge=1)] | None = None
    secret_token: str | None = None
    secret_token_file: str | None = None
    secret_token_credential: str | None = None


class AppriseNotifier(Notifier):
    """Services that Apprise knows."""

    secrets = ("url",)
    type: Literal["apprise"]
    url: str | None = None
    url_file: str | None = None
    url_credential: str | None = None
    urls: Texts = Field(default_factory=list)
    targets: dict[Name, str] = Field(default_factory=dict)
    targets_file: str | None = None
    targets_credential: str | None = None


NOTIFIERS: dict[str, type[Section]] = {
    "webhook": WebhookNotifier,
    "email": EmailNotifier,
    "slack": SlackNotifier,
    "mattermost": MattermostNotifier,
    "telegram": TelegramNotifier,
    "apprise": AppriseNotifier,
}


def make_notifier(context: Context, loc: Loc, section: Section, *, base_url: str) -> NotifierSettings | None:
    """One way of telling people. `base_url` is where this daemon can be reached, for chats that call back."""
    if not isinstance(section, Notifier):
        return None
    before = len(context.document.problems)
    shared = _shared(context, loc, section)
    settings: NotifierSettings | None = None
    if isinstance(section, WebhookNotifier):
        settings = _webhook(context, loc, section, shared)
    elif isinstance(section, EmailNotifier):
        settings = _email(context, loc, section, shared)
    elif isinstance(section, ChatNotifier):
        settings = _chat(context, loc, section, shared, base_url)
    elif isinstance(section, AppriseNotifier):
        settings = _apprise(context, loc, section, shared)
    if settings is None or len(context.document.problems) > before:
        return None
    for fault in faults(settings):
        key = fault.partition(" ")[0].rstrip(":")
        what, _, allowed = fault.partition("; ")
        context.problem((*loc, key), what, allowed)
    return settings


def _shared(context: Context, loc: Loc, section: Notifier) -> dict[str, Any]:
    rate = section.rate
    return {
        "name": section.name,
        "ca_file": context.maybe_path((*loc, "ca_file"), section.ca_file),
        "rate": None if rate is None else Rate(notices=rate.notices, within=rate.within),
        **given(section, *_SHARED),
    }


def _webhook(context: Context, loc: Loc, section: WebhookNotifier, shared: dict[str, Any]) -> WebhookSettings | None:
    url = context.secret(loc, section, "url")
    secret, token = context.secret(loc, section, "secret"), context.secret(loc, section, "bearer_token")
    if url is None:
        return None
    headers = headers_of(section.headers)
    return WebhookSettings(url=url, secret=secret, bearer_token=token, headers=headers, **shared)


def _email(context: Context, loc: Loc, section: EmailNotifier, shared: dict[str, Any]) -> EmailSettings:
    return EmailSettings(
        host=section.host,
        port=section.port or _MAIL_PORTS[section.tls],
        sender=section.sender,
        recipients=tuple(section.recipients),
        tls=section.tls,
        username=section.username or "",
        password=context.secret(loc, section, "password"),
        pictures=section.pictures,
        **shared,
    )


def _chat(
    context: Context, loc: Loc, section: ChatNotifier, shared: dict[str, Any], base_url: str
) -> NotifierSettings | None:
    secrets = {name: context.secret(loc, section, name) for name in section.secrets}
    if secrets["token"] is None:
        return None
    known: dict[str, Any] = {**shared, **secrets, "to": section.to, **given(section, "url")}
    if isinstance(section, SlackNotifier):
        return SlackSettings(**known)
    if isinstance(section, MattermostNotifier):
        return MattermostSettings(hook=f"{base_url}/hooks/mattermost/{section.name}", **known)
    return TelegramSettings(**known, **given(section, "topic"))


def _apprise(context: Context, loc: Loc, section: AppriseNotifier, shared: dict[str, Any]) -> AppriseSettings:
    return AppriseSettings(
        urls=(*_lines(context.secret(loc, section, "url")), *map(Secret, section.urls)),
        targets=tuple(_targets(context, loc, section)),
        **shared,
    )


def _targets(context: Context, loc: Loc, section: AppriseNotifier) -> Iterator[tuple[str, Secret]]:
    yield from ((name, Secret(url)) for name, url in section.targets.items())
    for way in ("targets_file", "targets_credential"):
        value = getattr(section, way)
        for line in _lines(None if value is None else context.secret_of((*loc, way), way, value)):
            name, _, url = line.reveal().partition(" ")
            yield name, Secret(url.strip())


def _lines(secret: Secret | None) -> Iterator[Secret]:
    """Every line that is neither empty nor a comment."""
    for line in secret.reveal().splitlines() if secret else ():
        if line.strip() and not line.lstrip().startswith("#"):
            yield Secret(line.strip())
