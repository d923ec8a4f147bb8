"""Who acted and why on every line of history, which no statement can rewrite any more; ratings and the links' key."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

WORDS = "the timeline is only ever added to"


def upgrade() -> None:
    """Add the columns and tables, then the guards of the timeline."""
    for name in ("actor_kind", "field", "reason"):
        op.add_column("timeline", sa.Column(name, sa.Text()))
    op.add_column("replies", sa.Column("incident", sa.BigInteger()))
    op.create_table(
        "ratings",
        sa.Column("link", sa.Text(), nullable=False),
        sa.Column("incident", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("remark", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("link", name=op.f("pk_ratings")),
    )
    op.create_index("ix_ratings_incident", "ratings", ["incident"])
    op.create_index("ix_ratings_at", "ratings", ["at"])
    op.create_table(
        "secrets",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_secrets")),
    )
    _guard_timeline()


def _guard_timeline() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER timeline_no_{verb.lower()} BEFORE {verb} ON timeline "
                f"BEGIN SELECT RAISE(ABORT, '{WORDS}'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION timeline_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{WORDS}'; END $$"
    )
    op.execute(
        "CREATE TRIGGER timeline_guard BEFORE UPDATE OR DELETE OR TRUNCATE ON timeline "
        "FOR EACH STATEMENT EXECUTE FUNCTION timeline_is_append_only()"
    )
