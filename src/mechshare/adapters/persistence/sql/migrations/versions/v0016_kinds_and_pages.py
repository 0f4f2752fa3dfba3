"""Adds what the main file of a mechanism is, and the pages of documents."""

import sqlalchemy as sa
from alembic import op

from mechshare.adapters.persistence.sql.types import Id

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Servers of the previous release go on inserting clips, without a kind.
    op.add_column("mechanisms", sa.Column("kind", sa.String(16), nullable=False, server_default="clip"))
    op.create_table(
        "document_pages",
        sa.Column("mechanism_id", Id, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("picture_key", sa.String(200), nullable=True),
        sa.ForeignKeyConstraint(
            ["mechanism_id"],
            ["mechanisms.id"],
            name="fk_document_pages_mechanism_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("mechanism_id", "number", name="pk_document_pages"),
    )


def downgrade() -> None:
    op.drop_table("document_pages")
    op.drop_column("mechanisms", "kind")
