"""Service requests, problems and changes, and whose a line of history is."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
HAS_SUBJECT = sa.text("subject IS NOT NULL")


def upgrade() -> None:
    """Create the table of records; say of histories and answers which record they are about."""
    op.create_table(
        "records",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("ci", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("settled_at", INSTANT, nullable=True),
        sa.Column("starts_at", INSTANT, nullable=True),
        sa.Column("ends_at", INSTANT, nullable=True),
        sa.Column("record", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "number", name=op.f("pk_records")),
    )
    op.create_index("ix_records_status", "records", ["kind", "status", "number"])
    op.create_index("ix_records_settled_at", "records", ["settled_at"])
    op.create_index("ix_records_starts_at", "records", ["starts_at"])
    op.add_column("timeline", sa.Column("subject", sa.Text()))
    op.create_index(
        "ix_timeline_subject",
        "timeline",
        ["subject", "id"],
        sqlite_where=HAS_SUBJECT,
        postgresql_where=HAS_SUBJECT,
    )
    op.add_column("replies", sa.Column("subject", sa.Text()))
