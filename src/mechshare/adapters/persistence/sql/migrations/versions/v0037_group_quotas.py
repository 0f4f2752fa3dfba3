"""Adds the storage quota that a group gives each of its members."""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("groups", sa.Column("member_quota_bytes", sa.BigInteger()))


def downgrade() -> None:
    op.drop_column("groups", "member_quota_bytes")
