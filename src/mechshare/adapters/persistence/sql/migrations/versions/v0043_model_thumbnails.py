"""Adds the thumbnails of attachments that are 3-D models."""

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("attachments", sa.Column("thumbnail_key", sa.String(200)))
    op.add_column("attachments", sa.Column("thumbnail_failure", sa.Text()))


def downgrade() -> None:
    # The thumbnails lose their references, so garbage collection deletes them.
    op.execute("DELETE FROM blob_references WHERE role = 'model_thumbnail'")
    for column in ("thumbnail_failure", "thumbnail_key"):
        op.drop_column("attachments", column)
