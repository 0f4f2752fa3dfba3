"""Adds indexes that find the unread digest of followers, and the likes or followers of a digest. Notifications that
nobody caused, such as digests, leave the index by who caused them."""

import sqlalchemy as sa
from alembic import op

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None

_BY_ACTOR = "ix_notifications_actor_id"
_UNREAD_FOLLOWS = "ix_notifications_unread_follows"
_LIKES = "ix_marks_of_mechanism"
_FOLLOWED = "ix_followed_users_user_id"
_FOLLOWERS = "ix_followed_users_of_user"


def upgrade() -> None:
    _create_partial(_UNREAD_FOLLOWS, "user_id", "kind = 'follow' AND read_at IS NULL")
    op.drop_index(_BY_ACTOR, table_name="notifications")
    _create_partial(_BY_ACTOR, "actor_id", "actor_id IS NOT NULL")
    op.create_index(_LIKES, "marks", ["mechanism_id", "kind", "created_at", "user_id"])
    op.create_index(_FOLLOWERS, "followed_users", ["user_id", "since", "follower_id"])
    op.drop_index(_FOLLOWED, table_name="followed_users")


def downgrade() -> None:
    op.create_index(op.f(_FOLLOWED), "followed_users", ["user_id"])
    op.drop_index(_FOLLOWERS, table_name="followed_users")
    op.drop_index(_LIKES, table_name="marks")
    op.drop_index(_BY_ACTOR, table_name="notifications")
    op.create_index(op.f(_BY_ACTOR), "notifications", ["actor_id"])
    op.drop_index(_UNREAD_FOLLOWS, table_name="notifications")


def _create_partial(name: str, column: str, condition: str) -> None:
    some = sa.text(condition)
    op.create_index(name, "notifications", [column], sqlite_where=some, postgresql_where=some)
