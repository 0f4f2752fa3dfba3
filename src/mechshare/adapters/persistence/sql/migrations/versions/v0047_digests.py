"""Adds an index that finds the unread digest of followers, and leaves notifications that nobody caused, such as the
digests of likes, out of the index by who caused them."""

import sqlalchemy as sa
from alembic import op

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None

_BY_ACTOR = "ix_notifications_actor_id"
_FOLLOWS = "ix_notifications_unread_follows"


def upgrade() -> None:
    _create_index(_FOLLOWS, "user_id", "kind = 'follow' AND read_at IS NULL")
    op.drop_index(_BY_ACTOR, table_name="notifications")
    _create_index(_BY_ACTOR, "actor_id", "actor_id IS NOT NULL")


def downgrade() -> None:
    op.drop_index(_BY_ACTOR, table_name="notifications")
    op.create_index(op.f(_BY_ACTOR), "notifications", ["actor_id"])
    op.drop_index(_FOLLOWS, table_name="notifications")


def _create_index(name: str, column: str, condition: str) -> None:
    some = sa.text(condition)
    op.create_index(name, "notifications", [column], sqlite_where=some, postgresql_where=some)
