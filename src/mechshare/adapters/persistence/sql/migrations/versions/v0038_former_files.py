"""Adds the main files that former revisions had."""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("revisions", sa.Column("main_file", sa.Text()))


def downgrade() -> None:
    # Former files and what was made of them lose their references, so garbage collection deletes them.
    op.execute("DELETE FROM blob_references WHERE role = 'former'")
    op.drop_column("revisions", "main_file")
