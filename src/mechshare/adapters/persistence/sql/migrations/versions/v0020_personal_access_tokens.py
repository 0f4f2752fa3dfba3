"""Adds personal access tokens."""

import sqlalchemy as sa
from alembic import op

from mechshare.adapters.persistence.sql.types import Id, JsonColumn, UtcTime
from mechshare.domain.personal_access_tokens import Scope

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "personal_access_tokens",
        sa.Column("id", Id, nullable=False),
        sa.Column("user_id", Id, nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("scopes", JsonColumn(tuple[Scope, ...]), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("created_at", UtcTime, nullable=False),
        sa.Column("expires_at", UtcTime, nullable=False),
        sa.Column("last_used_at", UtcTime),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_personal_access_tokens_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_personal_access_tokens")),
        sa.UniqueConstraint("hash", name=op.f("uq_personal_access_tokens_hash")),
    )
    op.create_index(op.f("ix_personal_access_tokens_expires_at"), "personal_access_tokens", ["expires_at"])
    op.create_index(
        op.f("ix_personal_access_tokens_user_id_created_at"),
        "personal_access_tokens",
        ["user_id", "created_at"],
    )


def downgrade() -> None:
    op.drop_table("personal_access_tokens")
