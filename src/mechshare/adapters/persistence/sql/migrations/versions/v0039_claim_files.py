"""Adds the files of claims."""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("claims", sa.Column("file", sa.Text()))


def downgrade() -> None:
    # The files keep their references until their mechanisms are deleted: the former release loses none of them.
    op.drop_column("claims", "file")
