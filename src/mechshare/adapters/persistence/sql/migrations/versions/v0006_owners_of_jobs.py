"""Adds the owner of the processed clip to jobs, so that owners take turns."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_NAME = "ix_jobs_of_owner"


def upgrade() -> None:
    # Servers of the previous release insert jobs without an owner; these are claimed in the order in which they are due.
    op.add_column("jobs", sa.Column("owner", sa.String(64), nullable=False, server_default=""))
    owned = sa.text("owner <> ''")
    op.create_index(
        _NAME, "jobs", ["owner", "started_at"], unique=False, sqlite_where=owned, postgresql_where=owned
    )


def downgrade() -> None:
    op.drop_index(_NAME, table_name="jobs")
    op.drop_column("jobs", "owner")
