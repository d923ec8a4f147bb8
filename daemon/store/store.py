"""All that is remembered, in one place: SQLite for one machine, PostgreSQL where several daemons share the work."""

from collections.abc import Collection
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from daemon.clock import Clock
from daemon.errors import StoreError
from daemon.store import backup, keeping, reads, record, upgrade
from daemon.store.answers import Answers
from daemon.store.audit import Audit
from daemon.store.engine import Database, open_database
from daemon.store.figures import Readings
from daemon.store.history import history
from daemon.store.identities import Identities
from daemon.store.inbox import Inbox
from daemon.store.lease import Leases
from daemon.store.links import Links
from daemon.store.mails import Mails
from daemon.store.outbox import Outbox
from daemon.store.ratings import Ratings
from daemon.store.rows import (
    ITSELF,
    Bearer,
    Doer,
    InboxKind,
    InboxRow,
    Loaded,
    NoticeRow,
    RecordSearch,
    Search,
    TokenRow,
)
from daemon.store.search import search_incidents
from daemon.store.second_factors import SecondFactors
from daemon.store.threads import Threads
from daemon.store.tokens import Tokens
from daemon.store.users import Users
from rules.alert import Alert
from rules.decision import Decision, Notice, Reply, SourceState, TimelineEntry
from rules.incident import Incident
from rules.lesson import Lesson
from rules.past import History
from rules.record import Change, Kind, Problem, Record
from rules.recurrence import Occurrence, SuggestAfter, Suggestion, suggestions
from rules.rotation import Override
from rules.silence import Silence
from rules.telling import Mailbox


class Store:
    """One database. Every method may be called from any thread and raises `StoreError` where the database fails.

    `users` are people and their sessions, `second_factors` what they need beside a password, `identities` who they are
    at a provider of single sign-on, `audit` who administered them, `answers` what was answered to requests that may
    come again, `ratings` how content people were, `threads` the conversations that channels have begun, `links` what
    was done by links in notices, `mails` those that came in, `readings` what figures are made of.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._inbox = Inbox(database, clock)
        self._outbox = Outbox(database, clock)
        self._leases = Leases(database, clock)
        self._tokens = Tokens(database, clock)
        self.users = Users(database, clock)
        self.identities = Identities(database, clock)
        self.second_factors = SecondFactors(database, clock)
        self.audit = Audit(database)
        self.answers = Answers(database, clock)
        self.ratings = Ratings(database)
        self.threads = Threads(database, clock)
        self.links = Links(database)
        self.mails = Mails(database)
        self.readings = Readings(database)

    @classmethod
    def open(cls, url: str, clock: Clock) -> "Store":
        """Connect to `sqlite:///FILE` or `postgresql://…`; the tables may be missing still (see `upgrade`)."""
        return cls(open_database(url), clock)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Write what waits in memory and let everything go; a lease that was not released runs out by itself."""
        self._inbox.close()
        self._leases.let_go()
        self._database.close()

    def is_current(self) -> bool:
        """Whether the tables are there and of this version."""
        return upgrade.is_current(self._database)

    def require_current(self, shown: str) -> None:
        """StoreError where `is_current` is false; `shown` is the address as people may see it."""
        if not self.is_current():
            raise StoreError(
                f"the database {shown} is not there or of an older version: "
                "start `incidentd run` or call `incidentd db upgrade`"
            )

    def upgrade(self) -> None:
        """Create the database or bring its tables to this version; nothing happens where they are."""
        upgrade.upgrade(self._database)

    def backup(self, path: Path) -> None:
        """Copy a SQLite database to a new file while it is in use."""
        backup.backup(self._database, path)

    # What came in

    def put(self, kind: InboxKind, source: str, body: bytes) -> int:
        """Store something for the next decision; it is durable when this returns its id."""
        return self._inbox.put(kind, source, body)

    def pending(self, limit: int) -> list[InboxRow]:
        """The oldest rows that no decision has taken."""
        return self._inbox.pending(limit)

    def inbox_depth(self) -> int:
        """How many rows wait for a decision."""
        return self._inbox.depth()

    # What was decided

    def commit(self, decision: Decision, *, inbox_ids: Collection[int] = (), epoch: int) -> None:
        """Write a decision whole and forget the inbox rows it took; `LeaseLost` where `epoch` is over."""
        record.commit(self._database, decision, inbox_ids, epoch)

    def load(self, since: datetime) -> Loaded:
        """What a daemon goes on from: all that is unsettled or was settled after `since`, and every firing alert."""
        return record.load(self._database, since)

    def reply(self, command_id: str) -> Reply | None:
        """The answer to a command, None while there is none; kept for a day."""
        return reads.reply(self._database, command_id)

    def incident(self, number: int) -> Incident | None:
        """The incident of that number."""
        return reads.incident(self._database, number)

    def incidents(self, search: Search = Search(), *, limit: int = 200, offset: int = 0) -> list[Incident]:  # noqa: B008
        """Those that the search wants, in its order; all of them, newest first, without one."""
        return search_incidents(self._database, search, limit, offset)

    def alerts_of(self, number: int, limit: int | None = None) -> list[Alert]:
        """The alerts of one incident, in order of start; the first so many."""
        return reads.alerts_of(self._database, number, limit)

    def firing_on(self, ci: str, limit: int) -> list[Alert]:
        """The alerts that fire on a CI, newest first."""
        return reads.firing_on(self._database, ci, limit)

    def alert(self, alert_id: str) -> Alert | None:
        """The alert of that id."""
        return reads.alert(self._database, alert_id)

    def events(self, limit: int) -> list[Alert]:
        """The newest alerts that opened nothing."""
        return reads.events(self._database, limit)

    def unmapped(self, limit: int) -> list[Alert]:
        """The newest alerts that no CI is known for."""
        return reads.unmapped(self._database, limit)

    def timeline(self, number: int) -> list[TimelineEntry]:
        """The history of one incident, as it was written."""
        return reads.timeline_of(self._database, number)

    def record(self, kind: Kind, number: int) -> Record | None:
        """The service request, problem or change of that number."""
        return keeping.record(self._database, kind, number)

    def records(self, search: RecordSearch, *, limit: int = 200, offset: int = 0) -> list[Record]:
        """Those that the search wants, newest first, or by their plan."""
        return keeping.search_records(self._database, search, limit, offset)

    def record_counts(self, search: RecordSearch) -> dict[str, int]:
        """How many of those that the search wants are in each state."""
        return keeping.count_records(self._database, search)

    def timeline_of_record(self, key: str) -> list[TimelineEntry]:
        """The history of one service request, problem or change, as it was written."""
        return reads.timeline_of_record(self._database, key)

    def occurrences(self, since: datetime, least: int, ci: str = "") -> list[Occurrence]:
        """Incidents since then of every CI, or of this one, that was the root of at least so many, newest first."""
        return keeping.occurrences(self._database, since, least, ci)

    def suggestions(self, after: SuggestAfter, now: datetime, ci: str = "") -> tuple[Suggestion, ...]:
        """Problems that should be made of what recurs, most often first; of one CI where one is named."""
        found = self.occurrences(now - after.within, after.times, ci)
        wanted = RecordSearch(kind=Kind.PROBLEM, cis=[ci] if ci else ())
        problems = [r for r in self.records(wanted, limit=keeping.MOST_PROBLEMS) if isinstance(r, Problem)]
        return suggestions(found, problems, after) if found else ()

    def history(self, since: datetime, until: datetime) -> History:
        """What happened between, as far back as the newest incidents and alerts that can be looked at reach."""
        return history(self._database, since, until)

    def sources(self) -> list[SourceState]:
        """What is known of every source, by name."""
        return reads.source_states(self._database)

    def mailboxes(self) -> list[Mailbox]:
        """What waits to be told to whom, by recipient."""
        return reads.list_mailboxes(self._database)

    def silences(self) -> list[Silence]:
        """Every silence that is kept, expired ones for `rules.silence.KEPT`, by id."""
        return reads.list_silences(self._database)

    def silence(self, silence_id: str) -> Silence | None:
        """The silence of that id."""
        return reads.silence(self._database, silence_id)

    def overrides(self) -> list[Override]:
        """Every override of a schedule, ended ones for `rules.rotation.OVERRIDES_KEPT`, by id."""
        return reads.list_overrides(self._database)

    def lessons(self) -> tuple[Lesson, ...]:
        """Everything learnt so far, one lesson for each counter, in order."""
        return reads.lessons(self._database)

    def notices(
        self, *, states: Collection[str] = (), incident: int | None = None, limit: int = 200
    ) -> list[NoticeRow]:
        """Newest first; an empty filter lets everything through."""
        return self._outbox.notices(states, incident, limit)

    def notices_of(self, change: Change) -> list[NoticeRow]:
        """Every notice of a change, newest first."""
        found = self._outbox.with_keys([told.key for told in change.told])
        return [found[told.key] for told in reversed(change.told) if told.key in found]

    # What people are told

    def claim(self, now: datetime, lease: timedelta, limit: int, exclude: Collection[str] = ()) -> list[NoticeRow]:
        """Take notices that are due, for the time of `lease`; never one that an older one has to precede."""
        return self._outbox.claim(now, lease, limit, exclude)

    def free_claims(self) -> int:
        """Let go of notices that a daemon before this one was sending; they go again under the same keys."""
        return self._outbox.free_claims()

    def claim_stuck(
        self, now: datetime, lease: timedelta, limit: int, to: str, *, with_other_ways: bool
    ) -> list[NoticeRow]:
        """Take notices that wait for the notifier `to`, due or not; those with own other ways, where that is asked."""
        return self._outbox.claim_stuck(now, lease, limit, to, with_other_ways=with_other_ways)

    def delivered(self, key: str, at: datetime, latency_s: float) -> None:
        """A notice has arrived, `latency_s` seconds after sending began."""
        self._outbox.delivered(key, at, latency_s)

    def retry_at(self, key: str, at: datetime, error: str) -> None:
        """A notice did not arrive: try again at that moment."""
        self._outbox.retry_at(key, at, error)

    def postpone(self, key: str, at: datetime) -> None:
        """A claimed notice was not tried: its turn is at that moment."""
        self._outbox.postpone(key, at)

    def bury(self, key: str, at: datetime, error: str) -> None:
        """A notice can never arrive: a dead letter, told on its incident's timeline."""
        self._outbox.bury(key, at, error)

    def pass_on(self, row: NoticeRow, at: datetime, error: str, by: Notice) -> None:
        """A notice did not arrive and goes `by` another way from now on, told on its incident's timeline."""
        self._outbox.pass_on(row, at, error, by)

    def revive(self, keys: Collection[str]) -> int:
        """Send dead letters after all; how many there were."""
        return self._outbox.revive(keys)

    def next_due(self) -> datetime | None:
        """When the next notice can be claimed (it may lie in the past), None where nothing waits."""
        return self._outbox.next_due()

    # Who may decide

    def acquire(self, holder: str, ttl: timedelta) -> int:
        """Become the one daemon that decides; the epoch for `commit`. `StoreBusy` where another one is."""
        return self._leases.acquire(holder, ttl)

    def renew(self, epoch: int, ttl: timedelta) -> None:
        """Stay the one for another `ttl`; `LeaseLost` where that is over."""
        self._leases.renew(epoch, ttl)

    def release(self, epoch: int) -> None:
        """Let another daemon decide at once."""
        self._leases.release(epoch)

    def holder(self) -> str | None:
        """The name of the daemon at work, None where there is none."""
        return self._leases.holder()

    # Who may ask

    def add_token(
        self,
        name: str,
        digest: str,
        scopes: frozenset[str],
        owner: str = "",
        expires_at: datetime | None = None,
        *,
        by: Doer = ITSELF,
    ) -> None:
        """Remember an access token by the SHA-256 of it in hex; StoreError where the name is taken."""
        self._tokens.add(name, digest, scopes, owner, expires_at, by=by)

    def tokens(self) -> list[TokenRow]:
        """Every access token, by name."""
        return self._tokens.all()

    def revoke_token(self, name: str, *, by: Doer = ITSELF) -> bool:
        """Forget an access token; whether there was one of that name."""
        return self._tokens.revoke(name, by=by)

    def token_bearer(self, digest: str) -> Bearer | None:
        """Who stands behind the access token with that digest, None where there is none."""
        return self._tokens.bearer(digest)
