"""Passwords that must be changed at the next login."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nobody who is known has one."""
    op.add_column("users", sa.Column("is_temporary", sa.Boolean(), nullable=False, server_default=sa.false()))
