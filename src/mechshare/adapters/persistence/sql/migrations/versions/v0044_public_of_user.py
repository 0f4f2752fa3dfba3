"""Adds an index for the public list of a user, which had read all drafts of the user to count the others."""

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None

_NAME = "ix_mechanisms_public_of_user"


def upgrade() -> None:
    public = sa.text("is_published")
    columns = ["user_id", "created_at", "id", "is_published"]
    op.create_index(_NAME, "mechanisms", columns, unique=False, sqlite_where=public, postgresql_where=public)


def downgrade() -> None:
    op.drop_index(_NAME, table_name="mechanisms")
