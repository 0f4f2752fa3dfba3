"""Adds a row for every stored file, with its owner.

Sizes and digests of originals come from their mechanisms. Those of derivatives are not stored anywhere; a job computes
them later.
"""

import sqlalchemy as sa
from alembic import op

from mechshare.adapters.persistence.sql.types import Id, UtcTime, ordered_text

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_DERIVATIVES = {"video": "file_url", "thumbnail": "thumbnail_url", "preview": "preview_url"}


def upgrade() -> None:
    op.create_table(
        "blob_references",
        sa.Column("key", ordered_text(200), nullable=False),
        sa.Column("owner_kind", sa.String(length=16), nullable=False),
        sa.Column("owner_id", Id, nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_blob_references")),
    )
    op.execute(_originals())
    for role, column in _DERIVATIVES.items():
        op.execute(_derivatives(role, column))
    op.create_index("ix_blob_references_of_owner", "blob_references", ["owner_id", "owner_kind"])
    unmeasured = sa.text("size IS NULL")
    op.create_index(
        "ix_blob_references_unmeasured",
        "blob_references",
        ["key"],
        sqlite_where=unmeasured,
        postgresql_where=unmeasured,
    )


def downgrade() -> None:
    op.drop_table("blob_references")


def _originals() -> str:
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    facts = (
        "CAST(original::json ->> 'size' AS BIGINT), original::json ->> 'sha256'"
        if is_postgresql
        else "json_extract(original, '$.size'), json_extract(original, '$.sha256')"
    )
    return (
        "INSERT INTO blob_references (key, owner_kind, owner_id, role, size, sha256, created_at) "  # noqa: S608  no input
        f"SELECT original_key, 'mechanism', id, 'original', {facts}, created_at "
        "FROM mechanisms WHERE original_key IS NOT NULL ON CONFLICT (key) DO NOTHING"
    )


def _derivatives(role: str, column: str) -> str:
    return (
        "INSERT INTO blob_references (key, owner_kind, owner_id, role, created_at) "  # noqa: S608  no input
        f"SELECT substr({column}, 6), 'mechanism', id, '{role}', updated_at "
        f"FROM mechanisms WHERE substr({column}, 1, 5) = 'blob:' ON CONFLICT (key) DO NOTHING"
    )
