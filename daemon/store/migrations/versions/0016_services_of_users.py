"""Users who are limited to business services."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nobody who is known is."""
    op.add_column("users", sa.Column("services", sa.Text(), nullable=False, server_default="[]"))
