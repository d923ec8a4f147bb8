"""What the owner says about one source of alerts."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal

from notifiers.secret import Secret

DEFAULT_IGNORED_LABELS = frozenset({"prometheus_replica", "replica", "__replica__"})


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsSettings:
    """How a TLS connection is made; files are PEM. `insecure_skip_verify` accepts any certificate."""

    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    insecure_skip_verify: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """An HTTP server that is asked, each time within `timeout`.

    At most one of `username` (with `password`) and `bearer_token` is set. `headers` go with every request; their
    values may be secret.
    """

    url: str = ""
    timeout: timedelta = timedelta(seconds=10)
    username: str = ""
    password: Secret | None = None
    bearer_token: Secret | None = None
    headers: tuple[tuple[str, Secret], ...] = ()
    tls: TlsSettings = TlsSettings()


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSettings(Peer):
    """One source. A `push` source has a name and `ignore_labels` only; the others are read from `url` every `interval`.

    `ignore_labels` are dropped before an alert's identity is made (a replica's label, say).
    """

    name: str
    type: Literal["prometheus", "alertmanager", "push"]
    interval: timedelta = timedelta(seconds=15)
    ignore_labels: frozenset[str] = DEFAULT_IGNORED_LABELS
