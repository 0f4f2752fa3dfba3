"""Adds an index for finding the mechanisms that the search index has not caught up with."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_NAME = "ix_jobs_undone"


def upgrade() -> None:
    undone = sa.text("state <> 'done'")
    columns = ["kind", "subject"]
    op.create_index(_NAME, "jobs", columns, unique=False, sqlite_where=undone, postgresql_where=undone)


def downgrade() -> None:
    op.drop_index(_NAME, table_name="jobs")
