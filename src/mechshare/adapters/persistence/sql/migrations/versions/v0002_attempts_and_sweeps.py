"""Adds the attempts of jobs, and indexes for garbage collection."""

import sqlalchemy as sa
from alembic import op

from mechshare.adapters.persistence.sql.types import Id, UtcTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobs", sa.Column("started_at", UtcTime(), nullable=True))
    op.create_table(
        "job_attempts",
        sa.Column("job_id", Id, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("started_at", UtcTime(), nullable=False),
        sa.Column("ended_at", UtcTime(), nullable=False),
        sa.Column("step", sa.String(length=64), nullable=False),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["job_id"], ["jobs.id"], name=op.f("fk_job_attempts_job_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("job_id", "number", name=op.f("pk_job_attempts")),
    )
    op.drop_index("ix_jobs_counted", table_name="jobs")
    _partial("ix_jobs_waiting", "jobs", ["kind", "state", "created_at"], "state IN ('queued', 'running')")
    _partial("ix_jobs_ended", "jobs", ["state", "ended_at"], "ended_at IS NOT NULL")
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"], unique=False)
    op.add_column("mechanisms", sa.Column("original_key", sa.String(length=200), nullable=True))
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    key = "original::json ->> 'key'" if is_postgresql else "json_extract(original, '$.key')"
    op.execute(f"UPDATE mechanisms SET original_key = {key} WHERE original IS NOT NULL")  # noqa: S608  no input
    op.create_index("ix_mechanisms_original_key", "mechanisms", ["original_key"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_mechanisms_original_key", table_name="mechanisms")
    op.drop_column("mechanisms", "original_key")
    op.drop_index("ix_sessions_expires_at", table_name="sessions")
    op.drop_index("ix_jobs_ended", table_name="jobs")
    op.drop_index("ix_jobs_waiting", table_name="jobs")
    op.create_index("ix_jobs_counted", "jobs", ["kind", "state"], unique=False)
    op.drop_table("job_attempts")
    op.drop_column("jobs", "started_at")


def _partial(name: str, table: str, columns: list[str], where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, table, columns, unique=False, sqlite_where=condition, postgresql_where=condition)
