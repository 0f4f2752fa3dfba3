"""Adds collections of mechanisms, and whom and what users follow."""

import sqlalchemy as sa
from alembic import op

from mechshare.adapters.persistence.sql.types import Id, UtcTime, ordered_text

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_collections()
    _create_follows()


def _create_collections() -> None:
    op.create_table(
        "collections",
        sa.Column("id", Id, nullable=False),
        sa.Column("user_id", Id, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("visibility", sa.String(16), nullable=False),
        sa.Column("cover_id", Id),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("updated_at", UtcTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_collections_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_collections")),
    )
    op.create_index("ix_collections_of_user", "collections", ["user_id", "created_at", "id", "visibility"])
    op.create_table(
        "collection_entries",
        sa.Column("collection_id", Id, nullable=False),
        sa.Column("mechanism_id", Id, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id"],
            ["collections.id"],
            name=op.f("fk_collection_entries_collection_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["mechanism_id"],
            ["mechanisms.id"],
            name=op.f("fk_collection_entries_mechanism_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("collection_id", "mechanism_id", name=op.f("pk_collection_entries")),
    )
    op.create_index(op.f("ix_collection_entries_mechanism_id"), "collection_entries", ["mechanism_id"])


def _create_follows() -> None:
    for table, column, type_, parent in (
        ("followed_users", "user_id", Id, "users"),
        ("followed_categories", "category_id", ordered_text(40), "categories"),
    ):
        op.create_table(
            table,
            sa.Column("follower_id", Id, nullable=False),
            sa.Column(column, type_, nullable=False),
            sa.Column("since", UtcTime(), nullable=False),
            sa.ForeignKeyConstraint(
                ["follower_id"], ["users.id"], name=op.f(f"fk_{table}_follower_id"), ondelete="CASCADE"
            ),
            sa.ForeignKeyConstraint(
                [column], [f"{parent}.id"], name=op.f(f"fk_{table}_{column}"), ondelete="CASCADE"
            ),
            sa.PrimaryKeyConstraint("follower_id", column, name=op.f(f"pk_{table}")),
        )
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column])


def downgrade() -> None:
    for table in ("followed_categories", "followed_users", "collection_entries", "collections"):
        op.drop_table(table)
