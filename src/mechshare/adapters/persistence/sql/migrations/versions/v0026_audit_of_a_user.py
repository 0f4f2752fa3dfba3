"""Adds the indexes by which the deletion of an account finds what the audit log says of the person."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_audit_actor", "audit", ["actor_id"])
    of_nobody = sa.text("actor_id IS NULL")
    op.create_index(
        "ix_audit_subject_of_nobody",
        "audit",
        ["subject"],
        sqlite_where=of_nobody,
        postgresql_where=of_nobody,
    )


def downgrade() -> None:
    op.drop_index("ix_audit_subject_of_nobody", "audit")
    op.drop_index("ix_audit_actor", "audit")
