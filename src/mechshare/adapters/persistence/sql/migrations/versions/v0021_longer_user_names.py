"""Makes room for user names of 64 characters. SQLite enforces no length."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column("users", "username", type_=sa.String(64), existing_nullable=False)


def downgrade() -> None:
    """Leaves the room: the previous release works with it, and names may need it."""
