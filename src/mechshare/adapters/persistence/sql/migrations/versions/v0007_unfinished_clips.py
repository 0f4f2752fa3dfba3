"""Adds the index by which the unfinished clips of a user are counted."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_NAME = "ix_mechanisms_unfinished"


def upgrade() -> None:
    unfinished = sa.text("processing_state IN ('pending', 'processing')")
    op.create_index(
        _NAME,
        "mechanisms",
        ["user_id"],
        unique=False,
        sqlite_where=unfinished,
        postgresql_where=unfinished,
    )


def downgrade() -> None:
    op.drop_index(_NAME, table_name="mechanisms")
