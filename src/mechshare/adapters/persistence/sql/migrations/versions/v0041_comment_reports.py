"""Adds reports of comments."""

import sqlalchemy as sa
from alembic import op

from mechshare.adapters.persistence.sql.types import Id

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("reports", sa.Column("comment_id", Id))


def downgrade() -> None:
    # The former release would take a report of a comment for one of the mechanism.
    op.execute("DELETE FROM reports WHERE comment_id IS NOT NULL")
    op.drop_column("reports", "comment_id")
