"""What was learnt: counters, begun with the CIs that have alerted before."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

LONGEST_KEY = 256
"""As in `rules.lesson` when this was written."""


def upgrade() -> None:
    """Create the table of counters."""
    experience = op.create_table(
        "experience",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "key", "field", name=op.f("pk_experience")),
    )
    ci = sa.func.substr(sa.table("alerts", sa.column("ci", sa.Text())).c.ci, 1, LONGEST_KEY)
    heard = sa.select(sa.literal("ci"), ci, sa.literal("heard"), sa.literal(1)).where(ci.is_not(None)).distinct()
    op.execute(experience.insert().from_select(["kind", "key", "field", "count"], heard))
