"""Users, sessions and answers kept for repeats; what incidents are searched by."""

import json
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
CHUNK = 1_000


def upgrade() -> None:
    """Create the tables, and fill what incidents are searched by from their records."""
    _create_users()
    _create_answers()
    for column in (sa.Column("owner", sa.Text()), sa.Column("expires_at", INSTANT)):
        op.add_column("tokens", column)
    op.add_column("replies", sa.Column("stale", sa.Boolean()))
    _create_search()
    _fill_search()


def _create_users() -> None:
    op.create_table(
        "users",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("groups", sa.Text(), nullable=False),
        sa.Column("password", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("disabled_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_users")),
    )
    op.create_table(
        "sessions",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_sessions")),
    )
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"])
    op.create_index("ix_sessions_user", "sessions", ["user"])
    op.create_table(
        "login_attempts",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_attempts")),
    )
    op.create_index("ix_login_attempts_name", "login_attempts", ["name"])
    op.create_index("ix_login_attempts_address", "login_attempts", ["address"])
    op.create_index("ix_login_attempts_at", "login_attempts", ["at"])


def _create_answers() -> None:
    op.create_table(
        "answers",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_answers")),
    )
    op.create_index("ix_answers_expires_at", "answers", ["expires_at"])


def _create_search() -> None:
    for column in (sa.Column("group", sa.Text()), sa.Column("ci", sa.Text()), sa.Column("updated_at", INSTANT)):
        op.add_column("incidents", column)
    op.create_index("ix_incidents_group", "incidents", ["group", "number"])
    op.create_index("ix_incidents_ci", "incidents", ["ci", "number"])
    op.create_index("ix_incidents_updated_at", "incidents", ["updated_at", "number"])
    op.create_index("ix_incidents_status_opened_at", "incidents", ["status", "opened_at", "number"])
    op.create_index("ix_incidents_status_updated_at", "incidents", ["status", "updated_at", "number"])
    op.create_index("ix_incidents_number_opened_at", "incidents", ["number", "opened_at"])
    op.create_table(
        "incident_services",
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("incident", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("service", "incident", name=op.f("pk_incident_services")),
    )
    op.create_index("ix_incident_services_incident", "incident_services", ["incident"])
    op.create_table(
        "incident_words",
        sa.Column("incident", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("incident", name=op.f("pk_incident_words")),
    )


def _fill_search() -> None:
    connection = op.get_bind()
    incidents = sa.table(
        "incidents", *map(sa.column, ("number", "record", "group", "ci")), sa.column("updated_at", INSTANT)
    )
    services = sa.table("incident_services", sa.column("service"), sa.column("incident"))
    words = sa.table("incident_words", sa.column("incident"), sa.column("words"))
    last = -1
    while True:
        page = sa.select(incidents.c.number, incidents.c.record).where(incidents.c.number > last)
        rows = connection.execute(page.order_by(incidents.c.number).limit(CHUNK)).all()
        if not rows:
            return
        last = rows[-1].number
        known = [(row.number, json.loads(row.record)) for row in rows]
        change = incidents.update().where(incidents.c.number == sa.bindparam("which"))
        connection.execute(
            change.values({name: sa.bindparam(f"new_{name}") for name in ("group", "ci", "updated_at")}),
            [_columns(number, record) for number, record in known],
        )
        hit = [{"service": s, "incident": n} for n, record in known for s in _services(record)]
        if hit:
            connection.execute(services.insert(), hit)
        connection.execute(words.insert(), [{"incident": n, "words": _words(n, record)} for n, record in known])


def _columns(number: int, record: dict[str, Any]) -> dict[str, Any]:
    return {
        "which": number,
        "new_group": record.get("group", ""),
        "new_ci": (record.get("root") or {}).get("ci"),
        "new_updated_at": datetime.fromisoformat(record["updated_at"]),
    }


def _services(record: dict[str, Any]) -> list[str]:
    return sorted({str(service["ci"]) for service in record.get("services", ())})


def _words(number: int, record: dict[str, Any]) -> str:
    """As `daemon.store.search` when this was written."""
    parts = [f"INC-{number}", *(record.get(name, "") for name in ("title", "group", "assignee", "resolution"))]
    root = (record.get("root") or {}).get("ci") or ""
    return "\n".join([*map(str, parts), root]).casefold()
