"""Adds an index for claiming the longest due job of a kind."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_NAME = "ix_jobs_due_of_kind"


def upgrade() -> None:
    queued = sa.text("state = 'queued'")
    columns = ["kind", "run_after", "id"]
    op.create_index(_NAME, "jobs", columns, unique=False, sqlite_where=queued, postgresql_where=queued)


def downgrade() -> None:
    op.drop_index(_NAME, table_name="jobs")
