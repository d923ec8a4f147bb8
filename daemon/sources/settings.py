"""What a source of alerts needs to know; the configuration fills it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Literal

from daemon.secret import Secret

DEFAULT_IGNORED_LABELS = ("prometheus_replica", "replica", "__replica__")


@dataclass(frozen=True, slots=True, kw_only=True)
class BasicAuth:
    """Name and password of HTTP basic authentication."""

    username: str
    password: Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsSettings:
    """Whom to trust (`ca_file`, else the system's authorities) and who we are (`cert_file` with `key_file`)."""

    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    insecure_skip_verify: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSettings:
    """One source of alerts.

    `url` is the server's address with its path prefix, empty for a push source. `timeout_s` bounds each request as
    a whole, from connecting to the last byte. `ignore_labels` are dropped from every alert, because they tell apart
    only the copies of a doubled Prometheus and not the alerts. `headers` may carry secrets and are never shown.
    """

    name: str
    type: Literal["prometheus", "alertmanager", "push"]
    url: str = ""
    interval: timedelta = timedelta(seconds=15)
    timeout_s: float = 10.0
    basic_auth: BasicAuth | None = None
    bearer_token: Secret | None = None
    headers: Mapping[str, Secret] = field(default_factory=dict)
    tls: TlsSettings = TlsSettings()
    ignore_labels: tuple[str, ...] = DEFAULT_IGNORED_LABELS
