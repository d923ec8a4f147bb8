"""What waits to be told to whom, by which other ways a notice can go, and the conversations in which notices go."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns and tables."""
    op.add_column("notices", sa.Column("others", sa.Text(), nullable=False, server_default=sa.text("'[]'")))
    op.add_column("notices", sa.Column("is_call", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("notices", sa.Column("is_urgent", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("notices", sa.Column("instead_of", sa.Text(), nullable=False, server_default=sa.text("''")))
    op.create_table(
        "mailboxes",
        sa.Column("to", sa.Text(), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("to", name=op.f("pk_mailboxes")),
    )
    op.create_table(
        "threads",
        sa.Column("to", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("thread", sa.Text(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("to", "address", "thread", name=op.f("pk_threads")),
    )
    op.create_index("ix_threads_ref", "threads", ["to", "ref"])
