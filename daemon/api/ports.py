"""What the HTTP API needs of the process it runs in."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from prometheus_client import CollectorRegistry

from cmdb.graph import Estate
from daemon.clock import Clock, SystemClock
from daemon.news import News
from daemon.oidc.sign_on import SignOn
from daemon.second_factor import SecondFactor
from daemon.sources.settings import DEFAULT_IGNORED_LABELS
from daemon.store.store import Store
from notifiers.base import Channel
from notifiers.secret import Secret
from rules.access import Role
from rules.decision import Order, Reply
from rules.policy import Policy
from rules.roster import Roster
from rules.status_page import Audience, widest
from rules.subscriptions import Subscription

COOKIE = "incidentd_session"


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """Whether the daemon can decide and store; `reason` says what is missing, in words."""

    is_ready: bool
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """The API's ways into the daemon. Every callable may be called from many threads at once.

    `accept(source, body)` stores an encoded `tuple[Sighting, ...]`, durable when it returns; StoreError else.
    `order(command)` waits for the decision; TimeoutError where none came in time (the command stays stored).
    `push_source` is the name under which pushes are booked, with `ignore_labels` dropped from every alert.
    `subscriptions` say who hears of what. `notifiers` are the names of all that are configured, `channels` what sends
    by them.
    `hosts` are the names by which a browser may call this server beside those it calls it by itself; `is_secure` says
    that it does so by HTTPS. `status` says who may see the status page, `status_of` who may see single services on it,
    by their ids; `public_url` where all this is found, empty for
    wherever it was asked; `cmdb_files` are the files that the estate was read from. A session ends `session_lasts`
    after the login. Whose role is among `second_factor_for` needs a second factor; `second_factor_key` is what secrets
    of them are sealed with, None for a key of the database's own. `sign_on` is how people log in
    elsewhere, None where they cannot.
    """

    store: Store
    accept: Callable[[str, bytes], None]
    order: Callable[[Order], Reply]
    readiness: Callable[[], Readiness]
    registry: CollectorRegistry
    access: Literal["login", "open"]
    push_source: str
    estate: Callable[[], Estate]
    cmdb_files: Callable[[], Sequence[Path]] = tuple
    policy: Callable[[], Policy] = Policy
    roster: Callable[[], Roster] = Roster
    subscriptions: Callable[[], tuple[Subscription, ...]] = tuple
    notifiers: Callable[[], Collection[str]] = tuple
    channels: Callable[[], Mapping[str, Channel]] = dict
    ignore_labels: Collection[str] = DEFAULT_IGNORED_LABELS
    hosts: frozenset[str] = frozenset()
    is_secure: bool = False
    status: Audience = "off"
    status_of: Mapping[str, Audience] = field(default_factory=dict)
    public_url: str = ""
    session_lasts: timedelta = timedelta(hours=12)
    second_factor_for: Collection[Role] = ()
    second_factor_key: Secret | None = None
    sign_on: SignOn | None = None
    clock: Clock = field(default_factory=SystemClock)
    news: News = field(default_factory=News)

    @property
    def widest_status(self) -> Audience:
        """Who may see something of the status page."""
        return widest((self.status, *self.status_of.values()))

    @property
    def cookie(self) -> str:
        """The name of the session's cookie; browsers hold one with the prefix to this very host and to HTTPS."""
        return self._cookie(COOKIE)

    @property
    def login_cookie(self) -> str:
        """The name of the cookie of a login that waits for a code, or is under way at the provider."""
        return self._cookie("incidentd_login")

    @property
    def second_factor(self) -> SecondFactor:
        """What checks and sets up second factors here."""
        host = urlsplit(self.public_url).hostname
        issuer = f"incidentd {host}" if host else "incidentd"
        return SecondFactor(self.store, self.clock, issuer=issuer, key=self.second_factor_key)

    def _cookie(self, name: str) -> str:
        return f"__Host-{name}" if self.is_secure else name
