"""Adds whether the original of a mechanism is offered to others; those of former mechanisms are not."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "mechanisms", sa.Column("original_offered", sa.Boolean(), nullable=False, server_default=sa.false())
    )


def downgrade() -> None:
    op.drop_column("mechanisms", "original_offered")
