"""Adds searches by the motion of a clip that is not kept."""

import sqlalchemy as sa
from alembic import op

from mechshare.adapters.persistence.sql.types import Id, JsonColumn, UtcTime
from mechshare.domain.media import ProcessingFailure
from mechshare.domain.motion import Motion
from mechshare.domain.originals import OriginalFile

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "motion_searches",
        sa.Column("id", Id, nullable=False),
        sa.Column("user_id", Id, nullable=False),
        sa.Column("clip", JsonColumn(OriginalFile), nullable=True),
        sa.Column("motion", JsonColumn(Motion), nullable=True),
        sa.Column("vector", sa.LargeBinary(), nullable=True),
        sa.Column("failure", JsonColumn(ProcessingFailure), nullable=True),
        sa.Column("created_at", UtcTime, nullable=False),
        sa.Column("expires_at", UtcTime, nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_motion_searches_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_motion_searches")),
    )
    op.create_index("ix_motion_searches_user_id", "motion_searches", ["user_id"])
    op.create_index("ix_motion_searches_expires", "motion_searches", ["expires_at", "id"])


def downgrade() -> None:
    op.drop_table("motion_searches")
