"""Adds the lineage of mechanisms."""

import sqlalchemy as sa
from alembic import op

from mechshare.adapters.persistence.sql.types import Id, UtcTime

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "lineage",
        sa.Column("mechanism_id", Id, nullable=False),
        sa.Column("source_id", Id, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("created_by", Id, nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["mechanism_id"], ["mechanisms.id"], name=op.f("fk_lineage_mechanism_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["source_id"], ["mechanisms.id"], name=op.f("fk_lineage_source_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("mechanism_id", "source_id", "kind", name=op.f("pk_lineage")),
    )
    op.create_index(op.f("ix_lineage_source_id"), "lineage", ["source_id"])


def downgrade() -> None:
    op.drop_table("lineage")
