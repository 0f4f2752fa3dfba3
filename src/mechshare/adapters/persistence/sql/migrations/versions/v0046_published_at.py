"""Adds when mechanisms were published, by which feeds are ordered, and whether they have been public.

What is or was published counts as published when it was created, so that feeds keep their order.
"""

from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from alembic import op

from mechshare.adapters.persistence.sql.types import UtcTime

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None

_NEW_SINCE = sa.text("coalesce(published_at, created_at)")
_INDEXES: Mapping[str, tuple[str, Sequence[str | sa.TextClause], str]] = {
    "ix_mechanisms_published": ("mechanisms", [_NEW_SINCE, "id"], "is_published"),
    "ix_mechanisms_published_of_user": ("mechanisms", ["user_id", _NEW_SINCE, "id"], "is_published"),
    "ix_mechanisms_published_internally": (
        "mechanisms",
        [_NEW_SINCE, "id"],
        "is_restricted AND visibility = 'internal'",
    ),
    "ix_mechanism_categories_new": (
        "mechanism_categories",
        ["category_id", _NEW_SINCE, "mechanism_id"],
        "is_published",
    ),
}


def upgrade() -> None:
    op.add_column("mechanisms", sa.Column("published_at", UtcTime(), nullable=True))
    op.add_column(
        "mechanisms",
        sa.Column("has_been_public", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.add_column("mechanism_categories", sa.Column("published_at", UtcTime(), nullable=True))
    op.execute(
        "UPDATE mechanisms SET published_at = created_at, has_been_public = (visibility = 'public')"
        " WHERE is_published OR is_restricted OR withdrawn_reason IS NOT NULL"
    )
    op.execute("UPDATE mechanism_categories SET published_at = created_at WHERE is_published")
    for name, (table, columns, where) in _INDEXES.items():
        condition = sa.text(where)
        op.create_index(name, table, list(columns), sqlite_where=condition, postgresql_where=condition)


def downgrade() -> None:
    for name, (table, _, _) in _INDEXES.items():
        op.drop_index(name, table)
    op.drop_column("mechanism_categories", "published_at")
    op.drop_column("mechanisms", "has_been_public")
    op.drop_column("mechanisms", "published_at")
