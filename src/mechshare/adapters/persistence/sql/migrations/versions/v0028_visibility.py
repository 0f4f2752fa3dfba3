"""Adds the visibility of mechanisms, groups, and shares.

Former releases show what `is_published` says. It stays false for what is published to fewer than everybody.
"""

from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from alembic import op

from mechshare.adapters.persistence.sql.types import Id, UtcTime, ordered_text

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

_INTERNAL = "is_restricted AND visibility = 'internal'"
_PRIVATE = "is_restricted AND visibility = 'private'"
_INDEXES: Mapping[str, tuple[Sequence[str | sa.TextClause], str]] = {
    "ix_mechanisms_internal_created": (["created_at", "id"], _INTERNAL),
    "ix_mechanisms_internal_updated": (["updated_at", "id"], _INTERNAL),
    "ix_mechanisms_internal_title": (["title", "id"], _INTERNAL),
    "ix_mechanisms_internal_reliability": ([sa.text("coalesce(reliability_level, 0)"), "id"], _INTERNAL),
    "ix_mechanisms_internal_period": ([sa.text("coalesce(period, 0)"), "id"], _INTERNAL),
    "ix_mechanisms_private_of_user": (["user_id", "created_at", "id"], _PRIVATE),
}


def upgrade() -> None:
    op.add_column(
        "mechanisms",
        sa.Column("is_restricted", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.add_column(
        "mechanisms", sa.Column("visibility", sa.String(16), nullable=False, server_default="public")
    )
    for name, (columns, where) in _INDEXES.items():
        condition = sa.text(where)
        op.create_index(name, "mechanisms", list(columns), sqlite_where=condition, postgresql_where=condition)
    _create_groups()
    _create_shares()


def _create_groups() -> None:
    op.create_table(
        "groups",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", ordered_text(80), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("updated_at", UtcTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_groups")),
    )
    op.create_table(
        "memberships",
        sa.Column("group_id", Id, nullable=False),
        sa.Column("user_id", Id, nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("joined_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"], ["groups.id"], name=op.f("fk_memberships_group_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_memberships_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("group_id", "user_id", name=op.f("pk_memberships")),
    )
    op.create_index(op.f("ix_memberships_user_id"), "memberships", ["user_id"])


def _create_shares() -> None:
    op.create_table(
        "shares",
        sa.Column("mechanism_id", Id, nullable=False),
        sa.Column("recipient_kind", sa.String(16), nullable=False),
        sa.Column("recipient_id", Id, nullable=False),
        sa.Column("access", sa.String(16), nullable=False),
        sa.Column("shared_by", Id, nullable=False),
        sa.Column("shared_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["mechanism_id"], ["mechanisms.id"], name=op.f("fk_shares_mechanism_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("mechanism_id", "recipient_kind", "recipient_id", name=op.f("pk_shares")),
    )
    op.create_index(
        "ix_shares_of_recipient", "shares", ["recipient_id", "recipient_kind", "mechanism_id", "access"]
    )


def downgrade() -> None:
    op.drop_table("shares")
    op.drop_table("memberships")
    op.drop_table("groups")
    for name in _INDEXES:
        op.drop_index(name, "mechanisms")
    # A mechanism that was published only for some people becomes unpublished: the former release knows no audience.
    op.drop_column("mechanisms", "visibility")
    op.drop_column("mechanisms", "is_restricted")
