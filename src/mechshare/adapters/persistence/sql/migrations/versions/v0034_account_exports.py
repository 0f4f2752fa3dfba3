"""Adds exports of accounts."""

import sqlalchemy as sa
from alembic import op

from mechshare.adapters.persistence.sql.types import Id, UtcTime

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "account_exports",
        sa.Column("id", Id, nullable=False),
        sa.Column("user_id", Id, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_account_exports_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_exports")),
        sa.UniqueConstraint("user_id", name=op.f("uq_account_exports_user_id")),
    )
    op.create_index("ix_account_exports_expires", "account_exports", ["expires_at", "id"])


def downgrade() -> None:
    op.drop_table("account_exports")
