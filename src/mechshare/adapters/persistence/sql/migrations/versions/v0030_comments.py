"""Adds comments, and the locks that close them."""

import sqlalchemy as sa
from alembic import op

from mechshare.adapters.persistence.sql.types import Id, UtcTime

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "comments",
        sa.Column("id", Id, nullable=False),
        sa.Column("mechanism_id", Id, nullable=False),
        sa.Column("thread_id", Id),
        sa.Column("user_id", Id),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("at_start_ms", sa.Integer),
        sa.Column("at_end_ms", sa.Integer),
        sa.Column("at_page", sa.Integer),
        sa.Column("moment", sa.Integer, nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("edited_at", UtcTime()),
        sa.Column("former", sa.Text),
        sa.Column("deleted_at", UtcTime()),
        sa.Column("version", sa.Integer, nullable=False),
        sa.ForeignKeyConstraint(
            ["mechanism_id"], ["mechanisms.id"], name=op.f("fk_comments_mechanism_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_comments_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comments")),
    )
    op.create_index(op.f("ix_comments_mechanism_id"), "comments", ["mechanism_id"])
    op.create_index(op.f("ix_comments_user_id"), "comments", ["user_id"])
    op.create_index("ix_comments_of_thread", "comments", ["thread_id", "created_at", "id"])
    is_thread = sa.text("thread_id IS NULL")
    for name, key in (("ix_comments_newest", "created_at"), ("ix_comments_by_moment", "moment")):
        op.create_index(
            name,
            "comments",
            ["mechanism_id", key, "id"],
            sqlite_where=is_thread,
            postgresql_where=is_thread,
        )
    op.create_table(
        "comment_locks",
        sa.Column("mechanism_id", Id, nullable=False),
        sa.Column("locked_at", UtcTime(), nullable=False),
        sa.Column("by_moderator", sa.Boolean, nullable=False),
        sa.ForeignKeyConstraint(
            ["mechanism_id"],
            ["mechanisms.id"],
            name=op.f("fk_comment_locks_mechanism_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("mechanism_id", name=op.f("pk_comment_locks")),
    )


def downgrade() -> None:
    op.drop_table("comment_locks")
    op.drop_table("comments")
