"""The sections of `incidentd.yaml` and `rules.yaml` and the keys that each may hold.

Every secret `x` may instead be given as `x_file` (a file that holds it) or `x_credential` (the name of a systemd
credential). `daemon.config.load` makes values of these; docs/configuration.md explains every key.
"""

from datetime import timedelta
from typing import Annotated, Any, ClassVar, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from daemon.config.fields import (
    Duration,
    Headers,
    HttpUrl,
    Instant,
    Interval,
    Issuer,
    Label,
    Labels,
    Listen,
    Memory,
    Name,
    Number,
    OneOrMany,
    Refused,
    SessionLength,
    Texts,
    Timeout,
    one_of,
    shown,
)
from rules.access import Role
from rules.status_page import Audience


def _zone_name(name: str) -> str:
    """The name of a time zone that this machine knows; Refused where it is none."""
    # Not every machine has a database of zones, and a name must not lead out of it.
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Refused(
            f"{shown(name)} is not a time zone that is known here", "allowed: UTC, Europe/Berlin, …"
        ) from None
    return name


RoleWord = Annotated[str, one_of(tuple(map(str, Role)))]
Roles = Annotated[list[RoleWord], OneOrMany]
Zone = Annotated[str, AfterValidator(_zone_name)]


class Section(BaseModel):
    """A mapping of settings in which unknown keys are errors. `secrets` names those that must never be shown."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)
    secrets: ClassVar[tuple[str, ...]] = ()
    files: ClassVar[tuple[str, ...]] = ()
    required_secrets: ClassVar[tuple[str, ...]] = ()


class Tls(Section):
    """Certificates, as PEM files."""

    files = ("ca_file", "cert_file", "key_file")
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    insecure_skip_verify: bool = False


class Oidc(Section):
    """A provider of OpenID Connect at which people log in, and what they are here by its word."""

    secrets = ("client_secret",)
    required_secrets = ("client_secret",)
    issuer: Issuer
    client_id: Annotated[str, Field(min_length=1, max_length=400)]
    client_secret: str | None = None
    client_secret_file: str | None = None
    client_secret_credential: str | None = None
    name: Annotated[str, Field(min_length=1, max_length=60)] = "single sign-on"
    scopes: Texts = Field(default_factory=lambda: ["openid", "email", "profile"])
    user_claim: Annotated[str, Field(min_length=1, max_length=200)] = "email"
    groups_claim: Annotated[str, Field(min_length=1, max_length=200)] = "groups"
    roles: dict[str, RoleWord] = Field(default_factory=dict)
    default_role: RoleWord | None = None
    timeout: Timeout = timedelta(seconds=10)
    tls: Tls | None = None


class Http(Section):
    """Where the console and the APIs listen, and who may use them."""

    secrets = ("second_factor_key",)
    listen: Listen = ("127.0.0.1", 8420)
    access: Literal["login", "open"] = "login"
    public_url: HttpUrl | None = None
    status: Audience = "off"
    status_of: Annotated[dict[str, Audience], Field(max_length=1000)] = Field(default_factory=dict)
    session: SessionLength = timedelta(hours=12)
    second_factor: Roles = Field(default_factory=list)
    second_factor_key: str | None = None
    second_factor_key_file: str | None = None
    second_factor_key_credential: str | None = None
    oidc: Oidc | None = None


class BasicAuth(Section):
    """A user name and password that go with every request."""

    secrets = ("password",)
    required_secrets = ("password",)
    username: str
    password: str | None = None
    password_file: str | None = None
    password_credential: str | None = None


class PolledSource(Section):
    """A Prometheus or Alertmanager whose alerts are read at an interval."""

    secrets = ("bearer_token",)
    name: Name
    type: Literal["prometheus", "alertmanager"]
    url: HttpUrl
    interval: Interval | None = None
    timeout: Timeout | None = None
    basic_auth: BasicAuth | None = None
    bearer_token: str | None = None
    bearer_token_file: str | None = None
    bearer_token_credential: str | None = None
    headers: Headers = Field(default_factory=dict)
    tls: Tls | None = None
    ignore_labels: Labels | None = None


class PushSource(Section):
    """Alerts that are sent to this daemon's own HTTP interface."""

    name: Name
    type: Literal["push"]
    ignore_labels: Labels | None = None


class CmdbFile(Section):
    """A file of configuration items."""

    files = ("path",)
    type: Literal["yaml"]
    path: str


class MaintenanceWindow(Section):
    """Work on some CIs, announced for a time."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    starts_at: Annotated[Instant, Field(alias="from")]
    ends_at: Annotated[Instant, Field(alias="to")]
    cis: Annotated[Texts, Field(min_length=1)]


PriorityWord = Literal["P1", "P2", "P3", "P4", "P5"]
LevelWord = Literal["high", "medium", "low"]


class Incidents(Section):
    """Lengths of time in an incident's life; what is left out keeps the default of `rules.policy.Policy`."""

    resolve_after: Duration | None = None
    reopen_within: Duration | None = None
    settle: Duration | None = None
    update_every: Duration | None = None
    close_after: Duration | None = None
    blind_after: Duration | None = None


class Delivery(Section):
    """How hard it is tried to deliver a notice."""

    workers: Annotated[Number, Field(ge=1, le=64)] | None = None
    per_channel: Annotated[Number, Field(ge=1, le=64)] | None = None
    fallback: Name | None = None
    fallback_after: Annotated[Number, Field(ge=1, le=1000)] | None = None
    retry_first: Interval | None = None
    retry_most: Interval | None = None
    give_up_after: Duration | None = None
    attempts: Annotated[Number, Field(ge=1, le=1000)] | None = None


class MessageLink(Section):
    """A link for operators; its address may name things of the incident in braces."""

    name: Annotated[str, Field(min_length=1, max_length=60)]
    url: Annotated[str, Field(max_length=1000)]


class Messages(Section):
    """How notices for people are worded."""

    templates: str | None = None
    time_zone: Zone = "UTC"
    language: str = "en"
    links: Annotated[list[MessageLink], Field(max_length=10)] = Field(default_factory=list)
    managers_see_cis: bool = False


class Log(Section):
    """What the daemon writes about itself, and how."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["console", "json"] = "console"


class PriorityRules(Section):
    """Which priority an impact and an urgency make, and the rules above that (`daemon.config.priority_rules`)."""

    matrix: dict[LevelWord, dict[LevelWord, PriorityWord]] = Field(default_factory=dict)
    rules: list[Any] = Field(default_factory=list)


class MappingRules(Section):
    """How an alert finds its CI."""

    labels: Annotated[list[Label], Field(min_length=1)]


class RequestMatch(Section):
    """Which alerts ask for a service instead of telling of a failure."""

    name: Name
    match: Annotated[Texts, Field(min_length=1)]
    title: Annotated[str, Field(max_length=200)] = ""
    group: Annotated[str, Field(max_length=100)] = ""


class ProblemRules(Section):
    """When incidents of one CI are worth a problem."""

    suggest_after: Annotated[Number, Field(ge=2, le=1000)] | None = None
    within: Memory | None = None


CONFIG_KEYS = (
    "database",
    "database_file",
    "database_credential",
    "http",
    "sources",
    "cmdb",
    "rules",
    "notifiers",
    "notify",
    "maintenance",
    "incidents",
    "delivery",
    "messages",
    "inbound",
    "log",
)
RULES_KEYS = (
    "priority",
    "calendars",
    "service_levels",
    "mapping",
    "maintenance",
    "incidents",
    "notify",
    "requests",
    "problems",
    "people",
    "groups",
    "routing",
    "schedules",
    "escalation",
    "categories",
    "resolution_codes",
    "templates",
    "satisfaction",
    "telling",
)
SOURCES: dict[str, type[Section]] = {"prometheus": PolledSource, "alertmanager": PolledSource, "push": PushSource}
CMDBS: dict[str, type[Section]] = {"yaml": CmdbFile}
