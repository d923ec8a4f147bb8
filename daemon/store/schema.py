"""The tables, and the revisions that lead to them.

Rows that are one value of `rules` keep it whole as JSON in `record`; the other columns repeat only what is searched
by, so that a new field needs no migration. There are no foreign keys on purpose: a decision is written whole or not
at all, and one odd reference must not lose a whole cycle.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    false,
    text,
)

REVISIONS = (
    "0001",
    "0002",
    "0003",
    "0005",
    "0006",
    "0007",
    "0008",
    "0009",
    "0010",
    "0011",
    "0012",
    "0013",
    "0014",
    "0015",
    "0016",
)
"""Every schema revision this code knows, oldest first; the last is the one it works with."""


class UtcDateTime(TypeDecorator[datetime]):
    """An aware instant in UTC, exact to the microsecond, on every database.

    SQLite keeps text without a zone, PostgreSQL `timestamptz`; a naive datetime is refused rather than guessed at.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Bring it to UTC; ValueError where it has no zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant without a time zone")
        return value if value.tzinfo is UTC else value.astimezone(UTC)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        """Give it its zone back."""
        if value is None:
            return None
        at: datetime = value
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


ROW_ID = BigInteger().with_variant(Integer(), "sqlite")

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)

incidents = Table(
    "incidents",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("status", Text, nullable=False),
    Column("priority", Text, nullable=False),
    Column("opened_at", UtcDateTime, nullable=False),
    # When it was closed or merged; NULL while anything may still happen to it.
    Column("settled_at", UtcDateTime),
    Column("record", Text, nullable=False),
    Column("group", Text),
    # The CI named as root cause.
    Column("ci", Text),
    Column("updated_at", UtcDateTime),
    Index("ix_incidents_group", "group", "number"),
    Index("ix_incidents_ci", "ci", "number"),
    Index("ix_incidents_updated_at", "updated_at", "number"),
    Index("ix_incidents_status_opened_at", "status", "opened_at", "number"),
    Index("ix_incidents_status_updated_at", "status", "updated_at", "number"),
    Index("ix_incidents_number_opened_at", "number", "opened_at"),
    Index("ix_incidents_status", "status", "number"),
    Index("ix_incidents_priority", "priority", "number"),
    Index("ix_incidents_status_priority", "status", "priority", "number"),
    Index("ix_incidents_opened_at", "opened_at"),
    Index("ix_incidents_settled_at", "settled_at"),
)

incident_services = Table(
    "incident_services",
    metadata,
    Column("service", Text, primary_key=True),
    Column("incident", BigInteger, primary_key=True, autoincrement=False),
    Index("ix_incident_services_incident", "incident"),
)

# Who registered an incident, and its contact's mail address: whose own it is.
incident_reporters = Table(
    "incident_reporters",
    metadata,
    Column("reporter", Text, primary_key=True),
    Column("incident", BigInteger, primary_key=True, autoincrement=False),
    Index("ix_incident_reporters_incident", "incident"),
)

# Beside the incidents, so that looking for a word does not read every record.
incident_words = Table(
    "incident_words",
    metadata,
    Column("incident", BigInteger, primary_key=True, autoincrement=False),
    Column("words", Text, nullable=False),
)

alerts = Table(
    "alerts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("fingerprint", Text, nullable=False),
    Column("incident", BigInteger),
    Column("ci", Text),
    Column("starts_at", UtcDateTime, nullable=False),
    Column("cleared_at", UtcDateTime),
    Column("record", Text, nullable=False),
    Index("ix_alerts_incident", "incident"),
    Index(
        "ix_alerts_firing",
        "starts_at",
        sqlite_where=text("cleared_at IS NULL"),
        postgresql_where=text("cleared_at IS NULL"),
    ),
    Index(
        "ix_alerts_firing_ci",
        "ci",
        sqlite_where=text("cleared_at IS NULL"),
        postgresql_where=text("cleared_at IS NULL"),
    ),
    Index(
        "ix_alerts_events",
        "starts_at",
        "id",
        sqlite_where=text("incident IS NULL"),
        postgresql_where=text("incident IS NULL"),
    ),
    Index(
        "ix_alerts_unmapped", "starts_at", "id", sqlite_where=text("ci IS NULL"), postgresql_where=text("ci IS NULL")
    ),
)

sources = Table(
    "sources",
    metadata,
    Column("name", Text, primary_key=True),
    Column("record", Text, nullable=False),
)

timeline = Table(
    "timeline",
    metadata,
    Column("id", ROW_ID, primary_key=True),
    Column("incident", BigInteger, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("kind", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("old", Text, nullable=False),
    Column("new", Text, nullable=False),
    # The key of a record beside incidents, whose lines have the incident 0.
    Column("subject", Text),
    # NULL in lines of older versions: no line is ever rewritten.
    Column("actor_kind", Text),
    Column("field", Text),
    Column("reason", Text),
    Index("ix_timeline_incident", "incident", "id"),
    Index(
        "ix_timeline_subject",
        "subject",
        "id",
        sqlite_where=text("subject IS NOT NULL"),
        postgresql_where=text("subject IS NOT NULL"),
    ),
    sqlite_autoincrement=True,
)

UNDELIVERED = "state IN ('pending', 'sending')"

notices = Table(
    "notices",
    metadata,
    Column("id", ROW_ID, primary_key=True),
    Column("key", Text, nullable=False),
    Column("to", Text, nullable=False),
    # The id of whom it is for, empty where that is everybody whom the notifier reaches.
    Column("person", Text, nullable=False, server_default=text("''")),
    Column("event", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("incident", BigInteger),
    # What a recipient must hear of in order: the incident again, a change's number below zero, 0 for a source.
    Column("subject", BigInteger, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    Column("lease_until", UtcDateTime),
    Column("last_error", Text, nullable=False),
    Column("delivered_at", UtcDateTime),
    Column("latency_s", Float),
    # The ways that are tried where this one fails: a JSON list.
    Column("others", Text, nullable=False, server_default=text("'[]'")),
    Column("is_call", Boolean, nullable=False, server_default=false()),
    Column("is_urgent", Boolean, nullable=False, server_default=false()),
    # The notifier that was to carry it and could not; empty where it is the first one.
    Column("instead_of", Text, nullable=False, server_default=text("''")),
    Index("uq_notices_key", "key", unique=True),
    Index("ix_notices_incident", "incident", "id"),
    Index("ix_notices_due", "due_at", "id", sqlite_where=text(UNDELIVERED), postgresql_where=text(UNDELIVERED)),
    Index(
        "ix_notices_queue", "to", "subject", "id", sqlite_where=text(UNDELIVERED), postgresql_where=text(UNDELIVERED)
    ),
    Index("ix_notices_state", "state", "id"),
    sqlite_autoincrement=True,
)

inbox = Table(
    "inbox",
    metadata,
    Column("id", ROW_ID, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    # Ids of taken rows must never come again: a late delete would take a stranger's row with it.
    sqlite_autoincrement=True,
)

# What was learnt: a decision's lessons are added to the counts.
experience = Table(
    "experience",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("field", Text, primary_key=True),
    Column("count", BigInteger, nullable=False),
)

replies = Table(
    "replies",
    metadata,
    Column("command", Text, primary_key=True),
    Column("done", Boolean, nullable=False),
    Column("message", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("stale", Boolean),
    Column("forbidden", Boolean),
    Column("incident", BigInteger),
    Column("subject", Text),
    Index("ix_replies_at", "at"),
)

# One answer to each link in a notice; the link's key is that of the notice.
ratings = Table(
    "ratings",
    metadata,
    Column("link", Text, primary_key=True),
    Column("incident", BigInteger, nullable=False),
    Column("by", Text, nullable=False),
    Column("score", Integer, nullable=False),
    Column("remark", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Index("ix_ratings_incident", "incident"),
    Index("ix_ratings_at", "at"),
)

# What was done by a link in a notice: each thing once. `link` is the notice's key.
link_uses = Table(
    "link_uses",
    metadata,
    Column("link", Text, primary_key=True),
    Column("verb", Text, primary_key=True),
    Column("incident", BigInteger, nullable=False),
    Column("by", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

# Mails that came in, by a digest of what tells them apart; `outcome` is empty while one is being taken.
mails = Table(
    "mails",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("sender", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("outcome", Text, nullable=False),
    Index("ix_mails_sender", "sender", "at"),
    Index("ix_mails_at", "at"),
)

# Keys that were made here and never leave, such as the one that signs links.
secrets = Table(
    "secrets",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", LargeBinary, nullable=False),
)

silences = Table(
    "silences",
    metadata,
    Column("id", Text, primary_key=True),
    Column("ends_at", UtcDateTime, nullable=False),
    Column("record", Text, nullable=False),
)

# Service requests, problems and changes.
records = Table(
    "records",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("status", Text, nullable=False),
    # Every CI it is about, with a line end before, between and after them.
    Column("ci", Text, nullable=False),
    Column("words", Text, nullable=False),
    Column("opened_at", UtcDateTime, nullable=False),
    # NULL while anything may still happen to it.
    Column("settled_at", UtcDateTime),
    # Of a change, its planned time; NULL for the others.
    Column("starts_at", UtcDateTime),
    Column("ends_at", UtcDateTime),
    Column("record", Text, nullable=False),
    Index("ix_records_status", "kind", "status", "number"),
    Index("ix_records_settled_at", "settled_at"),
    Index("ix_records_starts_at", "starts_at"),
)

overrides = Table(
    "overrides",
    metadata,
    Column("id", Text, primary_key=True),
    Column("ends_at", UtcDateTime, nullable=False),
    Column("record", Text, nullable=False),
)

# What waits to be told to each recipient.
mailboxes = Table(
    "mailboxes",
    metadata,
    Column("to", Text, primary_key=True),
    Column("record", Text, nullable=False),
)

# How a channel names the first message of a conversation with an address.
threads = Table(
    "threads",
    metadata,
    Column("to", Text, primary_key=True),
    Column("address", Text, primary_key=True),
    Column("thread", Text, primary_key=True),
    Column("ref", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Index("ix_threads_ref", "to", "ref"),
)

lease = Table(
    "lease",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("instance", Text, nullable=False),
    Column("holder", Text, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    Column("name", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    # The user it belongs to; NULL for one of a service.
    Column("owner", Text),
    Column("expires_at", UtcDateTime),
    Index("uq_tokens_digest", "digest", unique=True),
)

users = Table(
    "users",
    metadata,
    Column("name", Text, primary_key=True),
    Column("role", Text, nullable=False),
    # Names with blanks between them.
    Column("groups", Text, nullable=False),
    Column("password", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("disabled_at", UtcDateTime),
    # Whether the password must be changed at the next login.
    Column("is_temporary", Boolean, nullable=False, server_default=false()),
    # Ids of business services as a JSON list; an empty one is no limit.
    Column("services", Text, nullable=False, server_default="[]"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("user", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Index("ix_sessions_expires_at", "expires_at"),
    Index("ix_sessions_user", "user"),
)

# Who administered users and tokens; `via` is where from.
audit = Table(
    "audit",
    metadata,
    Column("id", ROW_ID, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", Text, nullable=False),
    Column("via", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("details", Text, nullable=False),
    sqlite_autoincrement=True,
)

login_attempts = Table(
    "login_attempts",
    metadata,
    Column("id", ROW_ID, primary_key=True),
    Column("name", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Index("ix_login_attempts_name", "name"),
    Index("ix_login_attempts_address", "address"),
    Index("ix_login_attempts_at", "at"),
)

# What was answered to a request with an idempotency key; without a status while that is not known.
answers = Table(
    "answers",
    metadata,
    Column("key", Text, primary_key=True),
    Column("request", Text, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("status", Integer),
    Column("media_type", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index("ix_answers_expires_at", "expires_at"),
)
