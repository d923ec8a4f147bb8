"""Whose own an incident is, and which alerts fire on a CI, found without reading all of them."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_CHUNK = 1000


def upgrade() -> None:
    """Create the table and the index, and fill the table from what there is."""
    op.create_table(
        "incident_reporters",
        sa.Column("reporter", sa.Text(), nullable=False),
        sa.Column("incident", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("reporter", "incident", name=op.f("pk_incident_reporters")),
    )
    op.create_index("ix_incident_reporters_incident", "incident_reporters", ["incident"])
    op.create_index(
        "ix_alerts_firing_ci",
        "alerts",
        ["ci"],
        sqlite_where=sa.text("cleared_at IS NULL"),
        postgresql_where=sa.text("cleared_at IS NULL"),
    )
    _fill()


def _fill() -> None:
    connection = op.get_bind()
    incidents = sa.table("incidents", sa.column("number"), sa.column("record"))
    reporters = sa.table("incident_reporters", sa.column("reporter"), sa.column("incident"))
    last = 0
    while True:
        query = sa.select(incidents.c.number, incidents.c.record).where(incidents.c.number > last)
        found = connection.execute(query.order_by(incidents.c.number).limit(_CHUNK)).all()
        if not found:
            return
        last = found[-1].number
        rows = [{"reporter": name, "incident": row.number} for row in found for name in _reporters(row.record)]
        if rows:
            connection.execute(sa.insert(reporters), rows)


def _reporters(record: str) -> list[str]:
    known = json.loads(record)
    names = known.get("registered_by", ""), known.get("contact", {}).get("mail", "")
    return sorted({name.strip().lower() for name in names} - {""})
