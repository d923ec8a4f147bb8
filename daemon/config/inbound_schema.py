"""The section `inbound`: how mail comes in."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from daemon.config.context import Context
from daemon.config.document import Loc
from daemon.config.fields import (
    Host,
    Interval,
    Listen,
    Name,
    Number,
    Refused,
    Texts,
    Timeout,
    is_loopback,
    shown,
    suggestion,
)
from daemon.config.inbound import ImapSettings, InboundSettings, SmtpSettings
from daemon.config.parts import given
from daemon.config.schema import Section
from notifiers.settings import EmailSettings, NotifierSettings
from rules.report import wrong_mail

_PORTS = {"implicit": 993, "starttls": 143, "none": 143}
# Of the 64 characters before the @ (RFC 5321, 4.5.3.1.1) a plus and the token take 25.
_LONGEST_LOCAL = 39
_DOMAIN = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+")


def _address(value: str) -> str:
    local = value.rpartition("@")[0]
    if not value or wrong_mail(value):
        raise Refused(f"{shown(value)} is not a mail address", "allowed: as in incidents@example.net")
    if "+" in local or len(local) > _LONGEST_LOCAL:
        what = f"{shown(value)} leaves no room for what marks answers"
        raise Refused(what, f"allowed: at most {_LONGEST_LOCAL} characters without a plus before the @")
    return value.lower()


def _allowed(values: list[str]) -> list[str]:
    for value in values:
        known = value.lower()
        if not _DOMAIN.fullmatch(known) and ("@" not in known or wrong_mail(known)):
            raise Refused(f"{shown(value)} is no mail address or domain", "allowed: anna@example.net, example.net")
    return [value.lower() for value in values]


Address = Annotated[str, AfterValidator(_address)]
Port = Annotated[Number, Field(ge=1, le=65535)]


class Imap(Section):
    """A mailbox."""

    files = ("ca_file",)
    secrets = ("password",)
    required_secrets = ("password",)
    host: Host
    port: Port | None = None
    tls: Literal["implicit", "starttls", "none"] = "implicit"
    username: Annotated[str, Field(min_length=1, max_length=200)]
    password: str | None = None
    password_file: str | None = None
    password_credential: str | None = None
    folder: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    interval: Interval | None = None
    timeout: Timeout | None = None
    ca_file: str | None = None


class SmtpDoor(Section):
    """Where mail servers hand over mail."""

    files = ("cert_file", "key_file")
    listen: Listen = ("127.0.0.1", 2525)
    cert_file: str | None = None
    key_file: str | None = None
    require_tls: bool = False


class Inbound(Section):
    """What becomes of mail."""

    address: Address
    requests_address: Address | None = None
    from_allowed: Annotated[Texts, AfterValidator(_allowed)] = Field(default_factory=list)
    authserv_id: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    group: Annotated[str, Field(max_length=200)] | None = None
    answer_via: Name | None = None
    per_hour: Annotated[Number, Field(ge=1, le=10_000)] | None = None
    imap: Imap | None = None
    smtp: SmtpDoor | None = None


def make_inbound(
    context: Context, loc: Loc, section: Inbound, notifiers: Mapping[str, NotifierSettings | None]
) -> InboundSettings:
    """The settings; `notifiers` are those of the configuration by name, None for one that has mistakes."""
    if section.imap is None and section.smtp is None:
        context.problem(loc, "inbound takes no mail from anywhere", "allowed: imap, smtp, or both")
    if section.requests_address == section.address:
        context.problem((*loc, "requests_address"), "requests_address is address as well", "allowed: another one")
    return InboundSettings(
        address=section.address,
        from_allowed=frozenset(section.from_allowed),
        answer_via=_answer_via(context, loc, section.answer_via, notifiers),
        imap=None if section.imap is None else _imap(context, (*loc, "imap"), section.imap),
        smtp=None if section.smtp is None else _smtp(context, (*loc, "smtp"), section.smtp),
        **given(section, "requests_address", "authserv_id", "group", "per_hour"),
    )


def _answer_via(context: Context, loc: Loc, name: str | None, notifiers: Mapping[str, NotifierSettings | None]) -> str:
    """The notifier that was named, else the first one that sends mail."""
    mailers = [known for known, settings in notifiers.items() if isinstance(settings, EmailSettings)]
    if name is None:
        return mailers[0] if mailers else ""
    if name not in notifiers:
        allowed = suggestion(name, list(notifiers)) if notifiers else "there are no notifiers"
        context.problem((*loc, "answer_via"), f'answer_via: there is no notifier "{name}"', allowed)
    elif name not in mailers and notifiers[name] is not None:
        what = f"answer_via: {name} cannot send mail"
        context.problem((*loc, "answer_via"), what, "allowed: a notifier of type email")
    return name


def _imap(context: Context, loc: Loc, section: Imap) -> ImapSettings | None:
    password = context.secret(loc, section, "password")
    if section.tls == "none" and not is_loopback(section.host):
        what = "tls must not be none: the password would be readable on the way"
        context.problem((*loc, "tls"), what, "allowed: implicit, starttls; none for a server on this machine")
    if password is None:
        return None
    more: dict[str, Any] = given(section, "folder", "interval", "timeout")
    return ImapSettings(
        host=section.host,
        port=section.port or _PORTS[section.tls],
        username=section.username,
        password=password,
        tls=section.tls,
        ca_file=context.maybe_path((*loc, "ca_file"), section.ca_file),
        **more,
    )


def _smtp(context: Context, loc: Loc, section: SmtpDoor) -> SmtpSettings:
    host, port = section.listen
    if section.cert_file is None and (section.key_file is not None or section.require_tls):
        key = "key_file" if section.key_file is not None else "require_tls"
        context.problem((*loc, key), f"{key} stands without cert_file", "allowed: with cert_file")
    return SmtpSettings(
        host=host,
        port=port,
        cert_file=context.maybe_path((*loc, "cert_file"), section.cert_file),
        key_file=context.maybe_path((*loc, "key_file"), section.key_file),
        require_tls=section.require_tls,
    )
