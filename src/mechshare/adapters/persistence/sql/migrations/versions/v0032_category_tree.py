"""Puts categories into a tree of two levels, and adds the redirects of merged categories."""

import sqlalchemy as sa
from alembic import op

from mechshare.adapters.persistence.sql.types import UtcTime, ordered_text

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

_CHILDREN = {
    "linkages": ("four-bar", "slider-crank", "straight-line", "parallel-linkages", "spatial-linkages"),
    "gears": ("planetary-gears",),
    "intermittent": ("ratchets", "escapements"),
}
_categories = sa.table(
    "categories", sa.column("id", ordered_text(40)), sa.column("parent_id", ordered_text(40))
)


def upgrade() -> None:
    op.add_column("categories", sa.Column("parent_id", ordered_text(40)))
    op.create_index("ix_categories_children", "categories", ["parent_id"])
    op.create_table(
        "category_redirects",
        sa.Column("id", ordered_text(40), nullable=False),
        sa.Column("target_id", ordered_text(40), nullable=False),
        sa.Column("name_en", sa.String(80), nullable=False),
        sa.Column("name_ja", sa.String(80), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["target_id"],
            ["categories.id"],
            name=op.f("fk_category_redirects_target_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_category_redirects")),
    )
    op.create_index("ix_category_redirects_target", "category_redirects", ["target_id"])
    _put_first_categories_into_tree()


def downgrade() -> None:
    op.drop_table("category_redirects")
    op.drop_index("ix_categories_children", "categories")
    op.drop_column("categories", "parent_id")


def _put_first_categories_into_tree() -> None:
    """An admin may have deleted a parent; its children then have none."""
    existing = {row.id for row in op.get_bind().execute(sa.select(_categories.c.id))}
    for parent, children in _CHILDREN.items():
        if parent in existing:
            op.execute(sa.update(_categories).where(_categories.c.id.in_(children)).values(parent_id=parent))
