"""The settings of one daemon, read and checked: everything below is known to be possible."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from cmdb.problems import Problem
from daemon.backoff import RetryPolicy
from daemon.config.inbound import InboundSettings
from daemon.config.oidc import OidcSettings
from daemon.sources.settings import SourceSettings
from notifiers.language import SOURCE
from notifiers.render import Renderer
from notifiers.secret import Secret
from notifiers.settings import NotifierSettings
from notifiers.views.links import LinkTemplate
from rules.access import Role
from rules.policy import Policy
from rules.status_page import Audience
from rules.subscriptions import Subscription


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSettings:
    """Where the console and the APIs listen; port 0 asks for any free one. `open` access is on loopback only. A session
    ends so long after the login. `status` says who may see how the business services are, `status_of` the same of some
    of them, by id. Whose role is among `second_factor` needs one; `second_factor_key` seals their secrets, None for a
    key of the database's own. `oidc` is where people may log in as well, None where there is no such place."""

    host: str = "127.0.0.1"
    port: int = 8420
    access: Literal["login", "open"] = "login"
    public_url: str = ""
    status: Audience = "off"
    status_of: Mapping[str, Audience] = field(default_factory=dict)
    session: timedelta = timedelta(hours=12)
    second_factor: frozenset[Role] = frozenset()
    second_factor_key: Secret | None = None
    oidc: OidcSettings | None = None

    @property
    def listen(self) -> str:
        """`host:port`, an IPv6 address in brackets."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def base_url(self) -> str:
        """Where people reach the console, for links in notices; without a slash at the end."""
        return self.public_url or f"http://{self.listen}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSettings:
    """What the daemon writes about itself, and how."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["console", "json"] = "console"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverySettings:
    """How hard it is tried to deliver a notice.

    `workers` notices are sent at a time, `per_channel` of them at most through one notifier. Where `retry` has come to
    its `fallback_after`, the notifier named `fallback` carries the word; empty where there is none.
    """

    workers: int = 8
    per_channel: int = 2
    fallback: str = ""
    retry: RetryPolicy = field(default_factory=RetryPolicy)


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageSettings:
    """How notices for people are worded: the owner's own templates, the time zone and language of those who read them
    unless they have another one, links for operators, and whether managers see components."""

    templates: Path | None = None
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    language: str = SOURCE
    links: tuple[LinkTemplate, ...] = ()
    managers_see_cis: bool = False

    def renderer(self, link_base: str = "") -> Renderer:
        """What makes messages this way; `link_base` is where the console is, empty where nobody can open it."""
        return Renderer(
            templates_dir=self.templates,
            zone=self.zone,
            language=self.language,
            links=self.links,
            managers_see_cis=self.managers_see_cis,
            link_base=link_base,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All settings. `file` is where they stand and `directory` what relative paths start from.

    `database` is a whole SQLAlchemy address and may hold a password. `cmdb` are files of configuration items.
    `inbound` is None where no mail comes in. `remarks` are what the owner may not have meant, though it is allowed.
    """

    file: Path
    directory: Path
    database: Secret
    http: HttpSettings = HttpSettings()
    sources: tuple[SourceSettings, ...] = ()
    cmdb: tuple[Path, ...] = ()
    rules: Path | None = None
    notifiers: tuple[NotifierSettings, ...] = ()
    notify: tuple[Subscription, ...] = ()
    policy: Policy = field(default_factory=Policy)
    delivery: DeliverySettings = DeliverySettings()
    messages: MessageSettings = field(default_factory=MessageSettings)
    log: LogSettings = LogSettings()
    inbound: InboundSettings | None = None
    remarks: tuple[Problem, ...] = ()

    @property
    def database_shown(self) -> str:
        """The database's address without user, password and options."""
        url = self.database.reveal()
        if url.startswith("sqlite"):
            return url.partition("?")[0]
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
