"""From checked sections to the values that the daemon's parts are made with."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from daemon.backoff import RetryPolicy
from daemon.config.config import DeliverySettings, HttpSettings, LogSettings, MessageSettings
from daemon.config.context import Context
from daemon.config.document import Loc
from daemon.config.fields import is_loopback, shown, suggestion
from daemon.config.oidc import make_oidc
from daemon.config.schema import (
    CmdbFile,
    Delivery,
    Http,
    Incidents,
    Log,
    MaintenanceWindow,
    MessageLink,
    Messages,
    PolledSource,
    PriorityRules,
    ProblemRules,
    PushSource,
    RequestMatch,
    Section,
)
from daemon.config.tls import make_tls
from daemon.sources.settings import SourceSettings
from notifiers.secret import Secret
from notifiers.views.links import PLACEHOLDERS, LinkTemplate, is_link, unknown_placeholders
from rules.access import Role
from rules.incident import Level, Priority
from rules.maintenance import Window
from rules.matchers import matches_empty, parse_matchers
from rules.policy import ITIL_MATRIX, Matrix
from rules.recurrence import SuggestAfter
from rules.request_rule import RequestRule

SHORTEST_KEY = 32
_DATABASES = ("sqlite:///FILE", "postgresql+psycopg://USER@HOST/NAME")


def given(section: Section, *names: str) -> dict[str, Any]:
    """Those of the section's values that the owner set, so that everything else keeps its own default."""
    return {name: value for name in names if (value := getattr(section, name)) is not None}


def make_database(context: Context, loc: Loc, url: Secret) -> Secret | None:
    """The database's address with an absolute path; a problem where it is of no kind that is known."""
    text = url.reveal()
    if text.startswith("sqlite:///"):
        return _sqlite(context, loc, text.removeprefix("sqlite:///"))
    scheme = text.partition("://")[0]
    if scheme not in ("postgresql", "postgresql+psycopg"):
        context.problem(loc, "database is not an address that is known", f"allowed: {' or '.join(_DATABASES)}")
        return None
    try:
        _ = urlsplit(text).port
    except ValueError:
        context.problem(loc, "database is not an address: its port is no number", f"allowed: {_DATABASES[1]}")
        return None
    return url


def _sqlite(context: Context, loc: Loc, rest: str) -> Secret | None:
    if not rest or rest.startswith((":memory:", "file:")) or "?" in rest:
        context.problem(loc, "database must be a plain file", f"allowed: {_DATABASES[0]}; what is in memory is lost")
        return None
    path = Path(context.directory, rest).absolute()
    if path.is_dir():
        context.problem(loc, f'database: "{rest[:200]}" is a directory', f"allowed: {_DATABASES[0]}")
    elif not path.parent.is_dir():
        context.problem(loc, f'database: the directory "{str(path.parent)[:200]}" does not exist', "create it first")
    return Secret(f"sqlite:///{path}")


def make_http(context: Context, loc: Loc, section: Http) -> HttpSettings:
    """Where to listen; open access is refused wherever another machine could use it."""
    host, port = section.listen
    if section.access == "open" and not is_loopback(host):
        context.problem(
            (*loc, "access"),
            f"access: open is for a loopback address only, and {host} is reachable for others",
            "allowed: access: login, or listen on 127.0.0.1, [::1] or localhost",
        )
    key = context.secret(loc, section, "second_factor_key")
    if key is not None and len(key.reveal()) < SHORTEST_KEY:
        allowed = f"allowed: {SHORTEST_KEY} characters or more, at random"
        context.problem((*loc, "second_factor_key"), "second_factor_key is short", allowed)
    oidc = None
    if section.oidc is not None:
        oidc = make_oidc(context, (*loc, "oidc"), section.oidc, host, section.public_url)
    return HttpSettings(
        host=host,
        port=port,
        access=section.access,
        public_url=section.public_url or "",
        status=section.status,
        status_of=section.status_of,
        session=section.session,
        second_factor=frozenset(map(Role, section.second_factor)),
        second_factor_key=key,
        oidc=oidc,
    )


def make_source(context: Context, loc: Loc, section: Section) -> SourceSettings | None:
    """One source of alerts."""
    if isinstance(section, PushSource):
        return SourceSettings(name=section.name, type="push", **_ignored(section.ignore_labels))
    if not isinstance(section, PolledSource):
        return None
    basic, password = section.basic_auth, None
    if basic is not None:
        password = context.secret((*loc, "basic_auth"), basic, "password")
    token = context.secret(loc, section, "bearer_token")
    if basic is not None and token is not None:
        context.problem((*loc, "basic_auth"), "basic_auth and bearer_token exclude each other", "allowed: one of them")
    return SourceSettings(
        name=section.name,
        type=section.type,
        url=section.url,
        username=basic.username if basic else "",
        password=password,
        bearer_token=token,
        headers=headers_of(section.headers),
        tls=make_tls(context, (*loc, "tls"), section.tls),
        **_ignored(section.ignore_labels),
        **given(section, "interval", "timeout"),
    )


def _ignored(labels: list[str] | None) -> dict[str, Any]:
    return {} if labels is None else {"ignore_labels": frozenset(labels)}


def headers_of(headers: dict[str, str]) -> tuple[tuple[str, Secret], ...]:
    """Names and values of headers; any value may be secret."""
    return tuple((name, Secret(value)) for name, value in headers.items())


def make_cmdb(context: Context, loc: Loc, section: Section) -> Path | None:
    """A file of configuration items."""
    return context.path((*loc, "path"), section.path) if isinstance(section, CmdbFile) else None


def make_window(context: Context, loc: Loc, section: MaintenanceWindow) -> Window | None:
    """One announced maintenance; a problem where it ends before it begins."""
    if section.ends_at <= section.starts_at:
        context.problem((*loc, "to"), "to is not after from")
        return None
    return Window(
        name=section.name, starts_at=section.starts_at, ends_at=section.ends_at, cis=tuple(dict.fromkeys(section.cis))
    )


def make_request_rule(context: Context, loc: Loc, section: RequestMatch) -> RequestRule | None:
    """Which alerts are service requests; a problem where a matcher is none, or all alerts would be."""
    try:
        matchers = parse_matchers(section.match)
    except ValueError as error:
        context.problem((*loc, "match"), f"match: {error}", "allowed: name=value, !=, =~ and !~")
        return None
    if all(matches_empty(matcher) for matcher in matchers):
        context.problem(
            (*loc, "match"),
            "match: every alert would be a service request",
            "allowed: at least one that an alert without the label does not meet",
        )
        return None
    return RequestRule(name=section.name, matchers=matchers, title=section.title, group=section.group)


def make_suggest_after(section: ProblemRules) -> SuggestAfter:
    """When a problem is suggested."""
    usual = SuggestAfter()
    return SuggestAfter(times=section.suggest_after or usual.times, within=section.within or usual.within)


def make_lengths(section: Incidents) -> dict[str, timedelta]:
    """The policy's lengths of time that the owner set."""
    return given(section, *Incidents.model_fields)


def make_matrix(section: PriorityRules) -> Matrix:
    """ITIL's matrix with the owner's changes."""
    own = {
        (Level(impact), Level(urgency)): Priority(word)
        for impact, row in section.matrix.items()
        for urgency, word in row.items()
    }
    return {**ITIL_MATRIX, **own}


def make_delivery(context: Context, loc: Loc, section: Delivery, notifiers: tuple[str, ...]) -> DeliverySettings:
    """How hard it is tried; a problem where the fallback is no notifier."""
    if section.fallback is not None and section.fallback not in notifiers:
        allowed = suggestion(section.fallback, notifiers) if notifiers else "there are no notifiers"
        context.problem((*loc, "fallback"), f'fallback: there is no notifier "{section.fallback}"', allowed)
    retry = given(section, "fallback_after", "give_up_after", "attempts")
    waits = {"first": section.retry_first, "most": section.retry_most}
    retry |= {name: length for name, length in waits.items() if length is not None}
    return DeliverySettings(retry=RetryPolicy(**retry), **given(section, "workers", "per_channel", "fallback"))


def make_messages(context: Context, loc: Loc, section: Messages) -> MessageSettings:
    """How notices are worded; every fault of the owner's templates, catalogues and links is a problem."""
    folder = context.directory / section.templates if section.templates is not None else None
    if folder is not None and not folder.is_dir():
        context.problem((*loc, "templates"), f"templates: {shown(section.templates)} is not a directory")
        folder = None
    made = MessageSettings(
        templates=folder,
        zone=ZoneInfo(section.time_zone),
        links=_links(context, (*loc, "links"), section.links),
        managers_see_cis=section.managers_see_cis,
    )
    renderer = made.renderer()
    faults = renderer.faults() if folder is not None else ()
    if faults:
        context.problem((*loc, "templates"), f"templates: {'; '.join(faults[:10])}")
    languages = sorted(renderer.languages.by_code)
    if section.language not in languages:
        wrong = f"language: there is no catalogue for {shown(section.language)}"
        context.problem((*loc, "language"), wrong, suggestion(section.language, languages))
        return made
    return replace(made, language=section.language)


def _links(context: Context, loc: Loc, links: list[MessageLink]) -> tuple[LinkTemplate, ...]:
    allowed = "allowed: " + ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
    for place, link in enumerate(links):
        unknown = unknown_placeholders(link.url)
        if unknown:
            context.problem((*loc, place, "url"), f"url: {{{unknown[0]}}} is not known", allowed)
        elif not is_link(link.url):
            context.problem((*loc, place, "url"), "url is no address", "allowed: https://host/path with " + allowed[9:])
    return tuple(LinkTemplate(name=link.name, url=link.url) for link in links)


def make_log(section: Log) -> LogSettings:
    """What the daemon writes about itself."""
    return LogSettings(level=section.level, format=section.format)
