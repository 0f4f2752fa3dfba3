"""Adds whom comments mention."""

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("comments", sa.Column("mentions", sa.Text()))


def downgrade() -> None:
    op.drop_column("comments", "mentions")
