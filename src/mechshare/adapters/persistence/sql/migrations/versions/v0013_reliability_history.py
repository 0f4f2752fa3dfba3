"""Adds the history of reliability levels, which begins with those stated now, and the index for the order by level."""

import sqlalchemy as sa
from alembic import op

from mechshare.adapters.persistence.sql.types import Id, UtcTime

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "reliability_changes",
        sa.Column("mechanism_id", Id, nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("changed_by", Id, nullable=False),
        sa.Column("changed_at", UtcTime(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["mechanism_id"],
            ["mechanisms.id"],
            name=op.f("fk_reliability_changes_mechanism_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("mechanism_id", "version", name=op.f("pk_reliability_changes")),
    )
    reason = (
        "reliability::json ->> 'reason'"
        if op.get_bind().dialect.name == "postgresql"
        else "json_extract(reliability, '$.reason')"
    )
    op.execute(
        "INSERT INTO reliability_changes (mechanism_id, version, changed_by, changed_at, level, reason)"  # noqa: S608
        f" SELECT id, version, user_id, updated_at, reliability_level, {reason}"
        " FROM mechanisms WHERE reliability_level IS NOT NULL"
    )
    op.create_index(
        "ix_mechanisms_public_reliability",
        "mechanisms",
        [sa.text("coalesce(reliability_level, 0)"), "id"],
        sqlite_where=sa.text("is_published"),
        postgresql_where=sa.text("is_published"),
    )


def downgrade() -> None:
    op.drop_index("ix_mechanisms_public_reliability", table_name="mechanisms")
    op.drop_table("reliability_changes")
