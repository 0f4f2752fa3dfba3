"""Adds how clips move, and the vectors by which those that move alike are found."""

import sqlalchemy as sa
from alembic import op

from mechshare.adapters.persistence.sql.types import Id, JsonColumn, UtcTime
from mechshare.domain.motion import Motion

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_PERIODS = "ix_mechanisms_public_period"


def upgrade() -> None:
    op.add_column("mechanisms", sa.Column("motion", JsonColumn(Motion), nullable=True))
    op.add_column("mechanisms", sa.Column("period", sa.Float(), nullable=True))
    op.add_column("mechanisms", sa.Column("motion_kind", sa.String(16), nullable=True))
    op.add_column("mechanisms", sa.Column("loops", sa.Boolean(), nullable=True))
    published = sa.text("is_published")
    op.create_index(
        _PERIODS,
        "mechanisms",
        [sa.text("coalesce(period, 0)"), "id"],
        sqlite_where=published,
        postgresql_where=published,
    )
    op.create_table(
        "motions",
        sa.Column("mechanism_id", Id, nullable=False),
        sa.Column("analysis", sa.Integer(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=True),
        sa.Column("analysed_at", UtcTime, nullable=False),
        sa.ForeignKeyConstraint(
            ["mechanism_id"], ["mechanisms.id"], name=op.f("fk_motions_mechanism_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("mechanism_id", name=op.f("pk_motions")),
    )
    op.create_index("ix_motions_analysed_at", "motions", ["analysed_at", "mechanism_id"])


def downgrade() -> None:
    op.drop_table("motions")
    op.drop_index(_PERIODS, "mechanisms")
    for column in ("loops", "motion_kind", "period", "motion"):
        op.drop_column("mechanisms", column)
