"""Adds the periods that authors state, and the pictures that show the phases of a clip."""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("mechanisms", sa.Column("stated_period", sa.Float(), nullable=True))
    op.add_column("mechanisms", sa.Column("motion_url", sa.Text(), nullable=True))


def downgrade() -> None:
    for column in ("motion_url", "stated_period"):
        op.drop_column("mechanisms", column)
