"""Adds likes and bookmarks."""

import sqlalchemy as sa
from alembic import op

from mechshare.adapters.persistence.sql.types import Id, UtcTime

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "marks",
        sa.Column("mechanism_id", Id, nullable=False),
        sa.Column("user_id", Id, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["mechanism_id"], ["mechanisms.id"], name=op.f("fk_marks_mechanism_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_marks_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("mechanism_id", "user_id", "kind", name=op.f("pk_marks")),
    )
    op.create_index("ix_marks_of_user", "marks", ["user_id", "kind", "created_at", "mechanism_id"])


def downgrade() -> None:
    op.drop_table("marks")
