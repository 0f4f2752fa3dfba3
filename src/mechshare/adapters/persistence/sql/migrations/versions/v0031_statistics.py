"""Adds the traffic of mechanisms and the counts by which lists are ordered.

The counts of what was liked or discussed before are stale, so the first process that runs counts them.
"""

from collections.abc import Mapping

import sqlalchemy as sa
from alembic import op

from mechshare.adapters.persistence.sql.types import Id, ordered_text

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

_COUNTS = ("likes", "comments", "views", "downloads", "evidence")
_INTERNAL = "is_restricted AND visibility = 'internal'"
_AUDIENCES: Mapping[str, str] = {"public": "is_published", "internal": _INTERNAL}
_SORTED = ("popularity", "views", "likes", "comments")


def upgrade() -> None:
    for name in _COUNTS:
        op.add_column("mechanisms", sa.Column(name, sa.Integer(), nullable=False, server_default="0"))
    op.add_column("mechanisms", sa.Column("popularity", sa.Float(), nullable=False, server_default="0"))
    for audience, condition in _AUDIENCES.items():
        where = sa.text(condition)
        for name in _SORTED:
            op.create_index(
                f"ix_mechanisms_{audience}_{name}",
                "mechanisms",
                [name, "id"],
                sqlite_where=where,
                postgresql_where=where,
            )
    op.create_table(
        "daily_traffic",
        sa.Column("mechanism_id", Id, nullable=False),
        sa.Column("day", ordered_text(10), nullable=False),
        sa.Column("views", sa.Integer(), nullable=False),
        sa.Column("own_views", sa.Integer(), nullable=False),
        sa.Column("downloads", sa.Integer(), nullable=False),
        sa.Column("own_downloads", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["mechanism_id"],
            ["mechanisms.id"],
            name=op.f("fk_daily_traffic_mechanism_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("mechanism_id", "day", name=op.f("pk_daily_traffic")),
    )
    op.create_table(
        "stale_counts",
        sa.Column("mechanism_id", Id, nullable=False),
        sa.ForeignKeyConstraint(
            ["mechanism_id"], ["mechanisms.id"], name=op.f("fk_stale_counts_mechanism_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("mechanism_id", name=op.f("pk_stale_counts")),
    )
    op.execute(
        "INSERT INTO stale_counts (mechanism_id)"
        " SELECT mechanism_id FROM marks UNION SELECT mechanism_id FROM comments UNION SELECT mechanism_id FROM claims"
    )


def downgrade() -> None:
    op.drop_table("stale_counts")
    op.drop_table("daily_traffic")
    for audience in _AUDIENCES:
        for name in _SORTED:
            op.drop_index(f"ix_mechanisms_{audience}_{name}", "mechanisms")
    for name in (*_COUNTS, "popularity"):
        op.drop_column("mechanisms", name)
