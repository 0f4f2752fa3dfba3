"""The first schema."""

import sqlalchemy as sa
from alembic import op

from mechshare.adapters.persistence.sql.types import Id, UtcTime, ordered_text

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("id", Id, nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("action", sa.String(length=32), nullable=False),
        sa.Column("actor_id", Id, nullable=True),
        sa.Column("subject", sa.String(length=254), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    op.create_index("ix_audit_at", "audit", ["at", "id"], unique=False)
    op.create_index(
        "ix_audit_failed_address",
        "audit",
        ["address", "at"],
        unique=False,
        sqlite_where=sa.text("action = 'sign_in_failed'"),
        postgresql_where=sa.text("action = 'sign_in_failed'"),
    )
    op.create_index(
        "ix_audit_failed_subject",
        "audit",
        ["subject", "at"],
        unique=False,
        sqlite_where=sa.text("action = 'sign_in_failed'"),
        postgresql_where=sa.text("action = 'sign_in_failed'"),
    )
    op.create_table(
        "categories",
        sa.Column("id", ordered_text(40), nullable=False),
        sa.Column("name_en", sa.String(length=80), nullable=False),
        sa.Column("name_ja", sa.String(length=80), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("updated_at", UtcTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_categories")),
    )
    op.create_table(
        "jobs",
        sa.Column("id", Id, nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("run_after", UtcTime(), nullable=False),
        sa.Column("lease_until", UtcTime(), nullable=True),
        sa.Column("step", sa.String(length=64), nullable=False),
        sa.Column("progress", sa.Float(), nullable=False),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("ended_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
    )
    op.create_index("ix_jobs_counted", "jobs", ["kind", "state"], unique=False)
    op.create_index("ix_jobs_created", "jobs", ["created_at", "id"], unique=False)
    op.create_index(
        "ix_jobs_due",
        "jobs",
        ["run_after", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'queued'"),
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.create_index(
        "ix_jobs_leased",
        "jobs",
        ["lease_until"],
        unique=False,
        sqlite_where=sa.text("state = 'running'"),
        postgresql_where=sa.text("state = 'running'"),
    )
    op.create_index("ix_jobs_of_state", "jobs", ["state", "created_at", "id"], unique=False)
    op.create_index("ix_jobs_of_subject", "jobs", ["subject", "kind", "created_at"], unique=False)
    op.create_table(
        "receipts",
        sa.Column("scope", sa.String(length=200), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "key", name=op.f("pk_receipts")),
    )
    op.create_index(op.f("ix_receipts_created_at"), "receipts", ["created_at"], unique=False)
    op.create_table(
        "users",
        sa.Column("id", Id, nullable=False),
        sa.Column("username", sa.String(length=30), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("display_name", sa.String(length=50), nullable=False),
        sa.Column("bio", sa.Text(), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("suspended_at", UtcTime(), nullable=True),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("updated_at", UtcTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("email", name=op.f("uq_users_email")),
        sa.UniqueConstraint("username", name=op.f("uq_users_username")),
    )
    op.create_index(op.f("ix_users_created_at_id"), "users", ["created_at", "id"], unique=False)
    op.create_table(
        "credentials",
        sa.Column("user_id", Id, nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_credentials_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_credentials")),
    )
    op.create_table(
        "mechanisms",
        sa.Column("id", Id, nullable=False),
        sa.Column("user_id", Id, nullable=False),
        sa.Column("title", ordered_text(200), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("file_url", sa.Text(), nullable=True),
        sa.Column("thumbnail_url", sa.Text(), nullable=True),
        sa.Column("preview_url", sa.Text(), nullable=True),
        sa.Column("duration", sa.Float(), nullable=True),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("updated_at", UtcTime(), nullable=False),
        sa.Column("is_published", sa.Boolean(), nullable=False),
        sa.Column("withdrawn_reason", sa.Text(), nullable=True),
        sa.Column("processing_state", sa.String(length=16), nullable=False),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("media", sa.Text(), nullable=True),
        sa.Column("original", sa.Text(), nullable=True),
        sa.Column("original_sha256", sa.String(length=64), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_mechanisms_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mechanisms")),
    )
    op.create_index("ix_mechanisms_created", "mechanisms", ["created_at", "id"], unique=False)
    op.create_index("ix_mechanisms_of_user", "mechanisms", ["user_id", "created_at", "id"], unique=False)
    op.create_index("ix_mechanisms_original", "mechanisms", ["user_id", "original_sha256"], unique=False)
    op.create_index(
        "ix_mechanisms_public_created",
        "mechanisms",
        ["created_at", "id", "is_published"],
        unique=False,
        sqlite_where=sa.text("is_published"),
        postgresql_where=sa.text("is_published"),
    )
    op.create_index(
        "ix_mechanisms_public_title",
        "mechanisms",
        ["title", "id"],
        unique=False,
        sqlite_where=sa.text("is_published"),
        postgresql_where=sa.text("is_published"),
    )
    op.create_index(
        "ix_mechanisms_public_updated",
        "mechanisms",
        ["updated_at", "id"],
        unique=False,
        sqlite_where=sa.text("is_published"),
        postgresql_where=sa.text("is_published"),
    )
    op.create_table(
        "sessions",
        sa.Column("id", Id, nullable=False),
        sa.Column("user_id", Id, nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("last_used_at", UtcTime(), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=False),
        sa.Column("revoked_at", UtcTime(), nullable=True),
        sa.Column("user_agent", sa.String(length=200), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_sessions_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
    )
    op.create_index(op.f("ix_sessions_user_id"), "sessions", ["user_id"], unique=False)
    op.create_table(
        "mechanism_categories",
        sa.Column("category_id", ordered_text(40), nullable=False),
        sa.Column("mechanism_id", Id, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("is_published", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["category_id"], ["categories.id"], name=op.f("fk_mechanism_categories_category_id")
        ),
        sa.ForeignKeyConstraint(
            ["mechanism_id"],
            ["mechanisms.id"],
            name=op.f("fk_mechanism_categories_mechanism_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("category_id", "mechanism_id", name=op.f("pk_mechanism_categories")),
    )
    op.create_index(
        "ix_mechanism_categories_of_mechanism",
        "mechanism_categories",
        ["mechanism_id", "position", "category_id"],
        unique=False,
    )
    op.create_index(
        "ix_mechanism_categories_public",
        "mechanism_categories",
        ["category_id", "created_at", "mechanism_id", "is_published"],
        unique=False,
        sqlite_where=sa.text("is_published"),
        postgresql_where=sa.text("is_published"),
    )
    op.create_table(
        "refresh_tokens",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("session_id", Id, nullable=False),
        sa.Column("issued_at", UtcTime(), nullable=False),
        sa.Column("consumed_at", UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_refresh_tokens_session_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_refresh_tokens")),
    )
    op.create_index(op.f("ix_refresh_tokens_session_id"), "refresh_tokens", ["session_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_refresh_tokens_session_id"), table_name="refresh_tokens")
    op.drop_table("refresh_tokens")
    op.drop_index(
        "ix_mechanism_categories_public",
        table_name="mechanism_categories",
        sqlite_where=sa.text("is_published"),
        postgresql_where=sa.text("is_published"),
    )
    op.drop_index("ix_mechanism_categories_of_mechanism", table_name="mechanism_categories")
    op.drop_table("mechanism_categories")
    op.drop_index(op.f("ix_sessions_user_id"), table_name="sessions")
    op.drop_table("sessions")
    op.drop_index(
        "ix_mechanisms_public_updated",
        table_name="mechanisms",
        sqlite_where=sa.text("is_published"),
        postgresql_where=sa.text("is_published"),
    )
    op.drop_index(
        "ix_mechanisms_public_title",
        table_name="mechanisms",
        sqlite_where=sa.text("is_published"),
        postgresql_where=sa.text("is_published"),
    )
    op.drop_index(
        "ix_mechanisms_public_created",
        table_name="mechanisms",
        sqlite_where=sa.text("is_published"),
        postgresql_where=sa.text("is_published"),
    )
    op.drop_index("ix_mechanisms_original", table_name="mechanisms")
    op.drop_index("ix_mechanisms_of_user", table_name="mechanisms")
    op.drop_index("ix_mechanisms_created", table_name="mechanisms")
    op.drop_table("mechanisms")
    op.drop_table("credentials")
    op.drop_index(op.f("ix_users_created_at_id"), table_name="users")
    op.drop_table("users")
    op.drop_index(op.f("ix_receipts_created_at"), table_name="receipts")
    op.drop_table("receipts")
    op.drop_index("ix_jobs_of_subject", table_name="jobs")
    op.drop_index("ix_jobs_of_state", table_name="jobs")
    op.drop_index(
        "ix_jobs_leased",
        table_name="jobs",
        sqlite_where=sa.text("state = 'running'"),
        postgresql_where=sa.text("state = 'running'"),
    )
    op.drop_index(
        "ix_jobs_due",
        table_name="jobs",
        sqlite_where=sa.text("state = 'queued'"),
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.drop_index("ix_jobs_created", table_name="jobs")
    op.drop_index("ix_jobs_counted", table_name="jobs")
    op.drop_table("jobs")
    op.drop_table("categories")
    op.drop_index(
        "ix_audit_failed_subject",
        table_name="audit",
        sqlite_where=sa.text("action = 'sign_in_failed'"),
        postgresql_where=sa.text("action = 'sign_in_failed'"),
    )
    op.drop_index(
        "ix_audit_failed_address",
        table_name="audit",
        sqlite_where=sa.text("action = 'sign_in_failed'"),
        postgresql_where=sa.text("action = 'sign_in_failed'"),
    )
    op.drop_index("ix_audit_at", table_name="audit")
    op.drop_table("audit")
