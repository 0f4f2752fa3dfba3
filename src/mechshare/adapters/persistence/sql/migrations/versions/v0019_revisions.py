"""Adds the former revisions of mechanisms."""

import sqlalchemy as sa
from alembic import op

from mechshare.adapters.persistence.sql.types import Id, JsonColumn, UtcTime
from mechshare.domain.revisions import Content

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "revisions",
        sa.Column("mechanism_id", Id, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("content", JsonColumn(Content), nullable=False),
        sa.Column("last_version", sa.Integer(), nullable=False),
        sa.Column("was_published", sa.Boolean(), nullable=False),
        sa.Column("replaced_by", Id, nullable=False),
        sa.Column("replaced_at", UtcTime, nullable=False),
        sa.ForeignKeyConstraint(
            ["mechanism_id"], ["mechanisms.id"], name=op.f("fk_revisions_mechanism_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("mechanism_id", "number", name=op.f("pk_revisions")),
    )


def downgrade() -> None:
    op.drop_table("revisions")
