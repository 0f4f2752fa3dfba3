"""Adds when each stored file was last compared with its digest, and the damage that was found."""

import sqlalchemy as sa
from alembic import op

from mechshare.adapters.persistence.sql.types import UtcTime

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Servers of the previous release insert files without a time; such files are verified first.
    op.add_column("blob_references", sa.Column("verified_at", UtcTime(), nullable=True))
    op.add_column("blob_references", sa.Column("damage", sa.String(16), nullable=True))
    op.create_index("ix_blob_references_verified", "blob_references", ["verified_at", "key"])
    for name, condition in _PARTIAL.items():
        op.create_index(
            name,
            "blob_references",
            ["key"],
            sqlite_where=sa.text(condition),
            postgresql_where=sa.text(condition),
        )


def downgrade() -> None:
    for name in (*_PARTIAL, "ix_blob_references_verified"):
        op.drop_index(name, table_name="blob_references")
    op.drop_column("blob_references", "damage")
    op.drop_column("blob_references", "verified_at")


_PARTIAL = {
    "ix_blob_references_never_verified": "verified_at IS NULL",
    "ix_blob_references_damaged": "damage IS NOT NULL",
}
