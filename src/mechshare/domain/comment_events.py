"""Domain events of comments: a part of the union `mechshare.domain.events.Event`."""

from dataclasses import dataclass

from mechshare.domain.audit import RequestMetadata
from mechshare.domain.comments import Comment
from mechshare.domain.ids import MechanismId, UserId


@dataclass(frozen=True, slots=True)
class CommentWritten:
    """`owner_id` is the owner of the mechanism, `replied_to` the author of the comment that got this reply.
    `mentioned` are the users whom it mentions, or with `is_edit` whom it mentions since it was edited."""

    comment: Comment
    owner_id: UserId
    replied_to: UserId | None = None
    mentioned: tuple[UserId, ...] = ()
    is_edit: bool = False


@dataclass(frozen=True, slots=True)
class CommentDeletedByModerator:
    comment: Comment
    moderator_id: UserId
    request_metadata: RequestMetadata


@dataclass(frozen=True, slots=True)
class CommentsLockedByModerator:
    """A moderator locked the comments on a mechanism, or unlocked them."""

    mechanism_id: MechanismId
    moderator_id: UserId
    is_locked: bool
    request_metadata: RequestMetadata


CommentEvent = CommentWritten | CommentDeletedByModerator | CommentsLockedByModerator
