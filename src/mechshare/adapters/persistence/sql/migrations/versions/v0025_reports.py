"""Adds reports to the moderators."""

import sqlalchemy as sa
from alembic import op

from mechshare.adapters.persistence.sql.types import Id, UtcTime

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "reports",
        sa.Column("id", Id, nullable=False),
        sa.Column("mechanism_id", Id),
        sa.Column("user_id", Id, nullable=False),
        sa.Column("reporter_id", Id, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", UtcTime, nullable=False),
        sa.Column("decision", sa.String(16)),
        sa.Column("decision_reason", sa.Text(), nullable=False),
        sa.Column("decided_by", Id),
        sa.Column("decided_at", UtcTime),
        sa.ForeignKeyConstraint(
            ["mechanism_id"], ["mechanisms.id"], name=op.f("fk_reports_mechanism_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_reports_user_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["reporter_id"], ["users.id"], name=op.f("fk_reports_reporter_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reports")),
    )
    op.create_index(op.f("ix_reports_mechanism_id"), "reports", ["mechanism_id"])
    op.create_index("ix_reports_about", "reports", ["user_id", "created_at", "id"])
    op.create_index("ix_reports_of_reporter", "reports", ["reporter_id", "created_at", "id"])
    undecided = sa.text("decision IS NULL")
    op.create_index(
        "ix_reports_undecided",
        "reports",
        ["created_at", "id"],
        sqlite_where=undecided,
        postgresql_where=undecided,
    )


def downgrade() -> None:
    op.drop_table("reports")
