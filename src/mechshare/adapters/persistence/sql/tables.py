"""The tables."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TextClause,
    false,
    text,
)

from mechshare.adapters.persistence.sql.types import Id, JsonColumn, UtcTime, ordered_text
from mechshare.domain.media import MediaFacts, ProcessingFailure
from mechshare.domain.motion import Motion
from mechshare.domain.named_values import NamedValue
from mechshare.domain.originals import OriginalFile
from mechshare.domain.reliability import Reliability

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _partial(name: str, *columns: str | TextClause, where: str) -> Index:
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))


IS_INTERNAL = "is_restricted AND visibility = 'internal'"
IS_PRIVATE = "is_restricted AND visibility = 'private'"
"""The conditions of the partial indexes, which statements repeat literally."""
NEW_SINCE = "coalesce(published_at, created_at)"

_COUNTS = ("likes", "comments", "views", "downloads", "evidence")
_SORTED_COUNTS = ("popularity", "views", "likes", "comments")

users = Table(
    "users",
    metadata,
    Column("id", Id, primary_key=True),
    # SQLite enforces no length, and could change a declared one only by rebuilding the table.
    Column("username", String(64).with_variant(String(30), "sqlite"), nullable=False, unique=True),
    Column("email", String(254), nullable=False, unique=True),
    Column("display_name", String(50), nullable=False),
    Column("bio", Text, nullable=False),
    Column("role", String(16), nullable=False),
    Column("suspended_at", UtcTime),
    Column("quota_bytes", BigInteger),
    Column("awaits_approval", Boolean, nullable=False, server_default=false()),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Column("version", Integer, nullable=False),
    Index(None, "created_at", "id"),
    _partial("ix_users_awaiting_approval", "created_at", "id", where="awaits_approval"),
)

credentials = Table(
    "credentials",
    metadata,
    Column("user_id", Id, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("password_hash", String(255), nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Id, primary_key=True),
    Column("user_id", Id, ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("created_at", UtcTime, nullable=False),
    Column("last_used_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False, index=True),
    Column("revoked_at", UtcTime),
    Column("user_agent", String(200), nullable=False),
    Column("address", String(64), nullable=False),
)

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("session_id", Id, ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("issued_at", UtcTime, nullable=False),
    Column("consumed_at", UtcTime),
)

categories = Table(
    "categories",
    metadata,
    Column("id", ordered_text(40), primary_key=True),
    Column("name_en", String(80), nullable=False),
    Column("name_ja", String(80), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Column("version", Integer, nullable=False),
    # Not a foreign key: a copy writes the rows in the order of their identifiers, children before parents too.
    Column("parent_id", ordered_text(40)),
    Index("ix_categories_children", "parent_id"),
)

mechanisms = Table(
    "mechanisms",
    metadata,
    Column("id", Id, primary_key=True),
    Column("user_id", Id, ForeignKey("users.id"), nullable=False),
    Column("title", ordered_text(200), nullable=False),
    Column("description", Text, nullable=False),
    Column("kind", String(16), nullable=False, server_default="clip"),
    Column("file_url", Text),
    Column("thumbnail_url", Text),
    Column("preview_url", Text),
    Column("duration", Float),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    # Published for everybody. Former releases show only these, whatever is published for fewer.
    Column("is_published", Boolean, key="is_public", nullable=False),
    # Published for fewer than everybody: for the audience of `visibility`.
    Column("is_restricted", Boolean, nullable=False, server_default=false()),
    Column("published_at", UtcTime),
    Column("has_been_public", Boolean, nullable=False, server_default=false()),
    Column("visibility", String(16), nullable=False, server_default="public"),
    Column("withdrawn_reason", Text),
    Column("processing_state", String(16), nullable=False),
    Column("failure", JsonColumn(ProcessingFailure)),
    Column("media", JsonColumn(MediaFacts)),
    Column("motion", JsonColumn(Motion)),
    Column("period", Float),
    Column("stated_period", Float),
    Column("motion_url", Text),
    Column("motion_kind", String(16)),
    Column("loops", Boolean),
    Column("original", JsonColumn(OriginalFile)),
    Column("original_sha256", String(64)),
    Column("original_key", String(200)),
    Column("reliability", JsonColumn(Reliability)),
    Column("reliability_level", Integer),
    Column("parameters", JsonColumn(tuple[NamedValue, ...], empty=())),
    Column("license", String(40)),
    Column("original_offered", Boolean, nullable=False, server_default=false()),
    # Only recounts write them, without a new version.
    *(Column(name, Integer, nullable=False, server_default="0") for name in _COUNTS),
    Column("popularity", Float, nullable=False, server_default="0"),
    Column("version", Integer, nullable=False),
    Index("ix_mechanisms_created", "created_at", "id"),
    Index("ix_mechanisms_of_user", "user_id", "created_at", "id"),
    Index("ix_mechanisms_original", "user_id", "original_sha256"),
    Index("ix_mechanisms_original_key", "original_key"),
    # Includes the column of its condition, so that SQLite counts without reading the table.
    _partial("ix_mechanisms_public_created", "created_at", "id", "is_public", where="is_published"),
    _partial(
        "ix_mechanisms_public_of_user", "user_id", "created_at", "id", "is_public", where="is_published"
    ),
    _partial("ix_mechanisms_published", text(NEW_SINCE), "id", where="is_published"),
    _partial("ix_mechanisms_published_of_user", "user_id", text(NEW_SINCE), "id", where="is_published"),
    _partial("ix_mechanisms_published_internally", text(NEW_SINCE), "id", where=IS_INTERNAL),
    _partial("ix_mechanisms_public_updated", "updated_at", "id", where="is_published"),
    _partial("ix_mechanisms_public_title", "title", "id", where="is_published"),
    _partial(
        "ix_mechanisms_public_reliability", text("coalesce(reliability_level, 0)"), "id", where="is_published"
    ),
    _partial("ix_mechanisms_public_period", text("coalesce(period, 0)"), "id", where="is_published"),
    _partial("ix_mechanisms_internal_period", text("coalesce(period, 0)"), "id", where=IS_INTERNAL),
    _partial("ix_mechanisms_internal_created", "created_at", "id", where=IS_INTERNAL),
    _partial("ix_mechanisms_internal_updated", "updated_at", "id", where=IS_INTERNAL),
    _partial("ix_mechanisms_internal_title", "title", "id", where=IS_INTERNAL),
    _partial(
        "ix_mechanisms_internal_reliability", text("coalesce(reliability_level, 0)"), "id", where=IS_INTERNAL
    ),
    _partial("ix_mechanisms_private_of_user", "user_id", "created_at", "id", where=IS_PRIVATE),
    *(_partial(f"ix_mechanisms_public_{name}", name, "id", where="is_published") for name in _SORTED_COUNTS),
    *(_partial(f"ix_mechanisms_internal_{name}", name, "id", where=IS_INTERNAL) for name in _SORTED_COUNTS),
    _partial("ix_mechanisms_unfinished", "user_id", where="processing_state IN ('pending', 'processing')"),
)

mechanism_categories = Table(
    "mechanism_categories",
    metadata,
    Column("category_id", ordered_text(40), ForeignKey("categories.id"), primary_key=True),
    Column("mechanism_id", Id, ForeignKey("mechanisms.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, nullable=False),
    # Copies of the mechanism's columns, updated with it: one index then serves a category's list and its count.
    Column("created_at", UtcTime, nullable=False),
    Column("is_published", Boolean, nullable=False),
    Column("published_at", UtcTime),
    Index("ix_mechanism_categories_of_mechanism", "mechanism_id", "position", "category_id"),
    _partial(
        "ix_mechanism_categories_public",
        *("category_id", "created_at", "mechanism_id", "is_published"),
        where="is_published",
    ),
    _partial(
        "ix_mechanism_categories_new", "category_id", text(NEW_SINCE), "mechanism_id", where="is_published"
    ),
)

mechanism_parameters = Table(
    "mechanism_parameters",
    metadata,
    # What lists are filtered by: the numbers among the mechanism's column, in coherent units.
    Column("mechanism_id", Id, ForeignKey("mechanisms.id", ondelete="CASCADE"), primary_key=True),
    Column("key", ordered_text(400), primary_key=True),
    Column("quantity", String(40), nullable=False),
    Column("number", Float, nullable=False),
    Index("ix_mechanism_parameters_number", "key", "quantity", "number", "mechanism_id"),
)

blob_references = Table(
    "blob_references",
    metadata,
    Column("key", ordered_text(200), primary_key=True),
    Column("owner_kind", String(16), nullable=False),
    # Refers to one of several tables, so it can't be a foreign key.
    Column("owner_id", Id, nullable=False),
    Column("role", String(16), nullable=False),
    Column("size", BigInteger),
    Column("sha256", String(64)),
    Column("created_at", UtcTime, nullable=False),
    Column("user_id", Id),
    Column("verified_at", UtcTime),
    Column("damage", String(16)),
    Index("ix_blob_references_of_owner", "owner_id", "owner_kind"),
    Index("ix_blob_references_of_user", "user_id", "size"),
    Index("ix_blob_references_verified", "verified_at", "key"),
    _partial("ix_blob_references_unmeasured", "key", where="size IS NULL"),
    _partial("ix_blob_references_never_verified", "key", where="verified_at IS NULL"),
    _partial("ix_blob_references_damaged", "key", where="damage IS NOT NULL"),
)

storage_reservations = Table(
    "storage_reservations",
    metadata,
    Column("key", ordered_text(200), primary_key=True),
    Column("user_id", Id, ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("size", BigInteger, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
)

uploads = Table(
    "uploads",
    metadata,
    Column("id", Id, primary_key=True),
    Column("user_id", Id, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("received", BigInteger, nullable=False),
    Column("fence", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("metadata", Text, nullable=False),
    Column("head", LargeBinary, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Index("ix_uploads_of_user", "user_id", "expires_at", "size"),
    Index("ix_uploads_expires", "expires_at", "id"),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("subject", String(200), nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("fence", Integer, nullable=False),
    Column("run_after", UtcTime, nullable=False),
    Column("started_at", UtcTime),
    Column("lease_until", UtcTime),
    Column("step", String(64), nullable=False),
    Column("progress", Float, nullable=False),
    Column("failure", JsonColumn(ProcessingFailure)),
    Column("request_id", String(64), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime),
    Column("owner", String(64), nullable=False, server_default=""),
    _partial("ix_jobs_of_owner", "owner", "started_at", where="owner <> ''"),
    _partial("ix_jobs_due", "run_after", "id", where="state = 'queued'"),
    _partial("ix_jobs_due_of_kind", "kind", "run_after", "id", where="state = 'queued'"),
    _partial("ix_jobs_leased", "lease_until", where="state = 'running'"),
    Index("ix_jobs_of_subject", "subject", "kind", "created_at"),
    Index("ix_jobs_created", "created_at", "id"),
    Index("ix_jobs_of_state", "state", "created_at", "id"),
    _partial("ix_jobs_waiting", "kind", "state", "created_at", where="state IN ('queued', 'running')"),
    _partial("ix_jobs_undone", "kind", "subject", where="state <> 'done'"),
    _partial("ix_jobs_ended", "state", "ended_at", where="ended_at IS NOT NULL"),
)

document_pages = Table(
    "document_pages",
    metadata,
    Column("mechanism_id", Id, ForeignKey("mechanisms.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("text", Text, nullable=False),
    Column("picture_key", String(200)),
)

job_attempts = Table(
    "job_attempts",
    metadata,
    Column("job_id", Id, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("started_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime, nullable=False),
    Column("step", String(64), nullable=False),
    Column("failure", JsonColumn(ProcessingFailure)),
)

idempotency_records = Table(
    "receipts",
    metadata,
    Column("scope", String(200), primary_key=True),
    Column("key", String(200), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("answer", LargeBinary, key="response", nullable=False),
    Column("created_at", UtcTime, nullable=False, index=True),
)

audit = Table(
    "audit",
    metadata,
    Column("id", Id, primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("action", String(32), nullable=False),
    Column("actor_id", Id),
    Column("subject", String(254), nullable=False),
    Column("address", String(64), nullable=False),
    Column("request_id", String(64), nullable=False),
    Column("detail", Text, nullable=False),
    Index("ix_audit_at", "at", "id"),
    # For what the deletion of an account erases.
    Index("ix_audit_actor", "actor_id"),
    _partial("ix_audit_subject_of_nobody", "subject", where="actor_id IS NULL"),
    _partial("ix_audit_failed_subject", "subject", "at", where="action = 'sign_in_failed'"),
    _partial("ix_audit_failed_address", "address", "at", where="action = 'sign_in_failed'"),
)
