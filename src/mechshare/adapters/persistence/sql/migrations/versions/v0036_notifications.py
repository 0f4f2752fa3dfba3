"""Adds notifications, and what users have muted."""

import sqlalchemy as sa
from alembic import op

from mechshare.adapters.persistence.sql.types import Id, UtcTime

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "notifications",
        sa.Column("id", Id, nullable=False),
        sa.Column("user_id", Id, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("mechanism_id", Id),
        sa.Column("actor_id", Id),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("read_at", UtcTime()),
        *(
            sa.ForeignKeyConstraint(
                [column], [f"{table}.id"], name=op.f(f"fk_notifications_{column}"), ondelete="CASCADE"
            )
            for column, table in (
                ("user_id", "users"),
                ("mechanism_id", "mechanisms"),
                ("actor_id", "users"),
            )
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notifications")),
    )
    op.create_index(op.f("ix_notifications_actor_id"), "notifications", ["actor_id"])
    op.create_index(op.f("ix_notifications_created_at"), "notifications", ["created_at"])
    op.create_index("ix_notifications_of_user", "notifications", ["user_id", "created_at", "id"])
    op.create_index("ix_notifications_about", "notifications", ["mechanism_id", "subject"])
    is_unread = sa.text("read_at IS NULL")
    op.create_index(
        "ix_notifications_unread",
        "notifications",
        ["user_id", "created_at", "id"],
        sqlite_where=is_unread,
        postgresql_where=is_unread,
    )
    op.create_table(
        "notification_mutes",
        sa.Column("user_id", Id, nullable=False),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_notification_mutes_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "subject", name=op.f("pk_notification_mutes")),
    )


def downgrade() -> None:
    op.drop_table("notification_mutes")
    op.drop_table("notifications")
