"""Adds the reliability that the author of a mechanism states."""

import sqlalchemy as sa
from alembic import op

from mechshare.adapters.persistence.sql.types import JsonColumn
from mechshare.domain.reliability import Reliability

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("mechanisms", sa.Column("reliability", JsonColumn(Reliability), nullable=True))
    op.add_column("mechanisms", sa.Column("reliability_level", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("mechanisms", "reliability_level")
    op.drop_column("mechanisms", "reliability")
