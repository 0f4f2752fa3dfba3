"""What several use cases do with a comment."""

from datetime import datetime

from mechshare.domain.comments import Comment, CommentId, CommentNotFound
from mechshare.domain.errors import MechanismNotFound
from mechshare.domain.policy import Viewer
from mechshare.ports.persistence.database import UnitOfWork
from mechshare.services.support.access import find_visible
from mechshare.services.transactions import Transaction


async def find_visible_comment(tx: UnitOfWork, viewer: Viewer, id: CommentId) -> Comment:
    """Returns a comment on a mechanism that the viewer sees. Raises CommentNotFound, also if it was deleted."""
    comment = await tx.comments.find_by_id(id)
    if comment is None or comment.is_deleted:
        raise CommentNotFound()
    try:
        await find_visible(tx, viewer, comment.mechanism_id)
    except MechanismNotFound as hidden:
        raise CommentNotFound() from hidden
    return comment


async def delete_comment(tx: Transaction, comment: Comment, now: datetime) -> None:
    """Deletes a comment with its notifications. One that was replied to leaves a tombstone."""
    await tx.notifications.delete_about(comment.mechanism_id, comment.id)
    await tx.counts.mark_stale(comment.mechanism_id)
    if comment.thread_id is None and await tx.comment_replies.count([comment.id]):
        await tx.comments.save(comment.tombstone(now))
        return
    await tx.comments.delete(comment.id)
    if comment.thread_id is not None:
        await _delete_empty_tombstone(tx, comment.thread_id)


async def _delete_empty_tombstone(tx: Transaction, id: CommentId) -> None:
    thread = await tx.comments.find_by_id(id)
    if thread is not None and thread.is_deleted and not await tx.comment_replies.count([id]):
        await tx.comments.delete(id)
