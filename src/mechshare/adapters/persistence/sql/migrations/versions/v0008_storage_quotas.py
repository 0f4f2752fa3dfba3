"""Adds the user whose quota counts a stored file, a quota for single users, and the reservations of uploads."""

import sqlalchemy as sa
from alembic import op

from mechshare.adapters.persistence.sql.types import Id, UtcTime, ordered_text

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("quota_bytes", sa.BigInteger(), nullable=True))
    # Servers of the previous release insert files without a user; the job `sweep` adds it.
    op.add_column("blob_references", sa.Column("user_id", Id, nullable=True))
    op.execute(
        "UPDATE blob_references SET user_id = "
        "(SELECT user_id FROM mechanisms WHERE mechanisms.id = blob_references.owner_id)"
    )
    op.create_index("ix_blob_references_of_user", "blob_references", ["user_id", "size"])
    op.create_table(
        "storage_reservations",
        sa.Column("key", ordered_text(200), nullable=False),
        sa.Column("user_id", Id, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_storage_reservations_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_storage_reservations")),
    )
    op.create_index("ix_storage_reservations_user_id", "storage_reservations", ["user_id"])


def downgrade() -> None:
    op.drop_table("storage_reservations")
    op.drop_index("ix_blob_references_of_user", table_name="blob_references")
    op.drop_column("blob_references", "user_id")
    op.drop_column("users", "quota_bytes")
