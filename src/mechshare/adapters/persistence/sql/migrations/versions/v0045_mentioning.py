"""Adds an index of the comments that mention somebody, which the deletion of an account reads."""

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None

_NAME = "ix_comments_mentioning"


def upgrade() -> None:
    some = sa.text("mentions IS NOT NULL")
    op.create_index(_NAME, "comments", ["id"], unique=False, sqlite_where=some, postgresql_where=some)


def downgrade() -> None:
    op.drop_index(_NAME, table_name="comments")
