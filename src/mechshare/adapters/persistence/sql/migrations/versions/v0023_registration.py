"""Adds invitations, and accounts that await approval."""

import sqlalchemy as sa
from alembic import op

from mechshare.adapters.persistence.sql.types import Id, UtcTime

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Servers of the previous release go on inserting accounts, which need no approval.
    op.add_column(
        "users", sa.Column("awaits_approval", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.create_index(
        "ix_users_awaiting_approval",
        "users",
        ["created_at", "id"],
        sqlite_where=sa.text("awaits_approval"),
        postgresql_where=sa.text("awaits_approval"),
    )
    op.create_table(
        "invitations",
        sa.Column("id", Id, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("note", sa.String(80), nullable=False),
        sa.Column("created_by", Id),
        sa.Column("created_at", UtcTime, nullable=False),
        sa.Column("expires_at", UtcTime, nullable=False),
        sa.Column("max_uses", sa.Integer(), nullable=False),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["created_by"], ["users.id"], name=op.f("fk_invitations_created_by"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
        sa.UniqueConstraint("hash", name=op.f("uq_invitations_hash")),
    )
    op.create_index(op.f("ix_invitations_created_by"), "invitations", ["created_by"])
    op.create_index(op.f("ix_invitations_expires_at"), "invitations", ["expires_at"])


def downgrade() -> None:
    op.drop_table("invitations")
    op.drop_index("ix_users_awaiting_approval", "users")
    op.drop_column("users", "awaits_approval")
