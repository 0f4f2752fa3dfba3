"""Comments on mechanisms, in threads of one level."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mechshare.domain.audit import RequestMetadata
from mechshare.domain.comment_events import (
    CommentDeletedByModerator,
    CommentsLockedByModerator,
    CommentWritten,
)
from mechshare.domain.comments import (
    MAX_ANCHORED,
    NO_ANCHOR,
    REPLIES_SHOWN,
    Anchor,
    AuthoredComment,
    Comment,
    CommentDeleted,
    CommentId,
    CommentLock,
    CommentNotFound,
    CommentsLocked,
    CommentSort,
    FormerText,
    LockedByModerator,
    Mention,
    Thread,
    clean_comment,
    mentioned_names,
    require_anchor,
    require_deletable,
)
from mechshare.domain.errors import InvalidField
from mechshare.domain.ids import MechanismId, UserId
from mechshare.domain.mechanisms import Mechanism, author_of
from mechshare.domain.pagination import Page, PageRequest
from mechshare.domain.policy import Viewer, require_permission, require_poster, require_withdrawer
from mechshare.domain.users import Actor, Permission
from mechshare.ports.clock import Clock
from mechshare.ports.ids import IdSource
from mechshare.ports.persistence.database import UnitOfWork
from mechshare.services.support.access import find_visible, shared_access
from mechshare.services.support.comments import delete_comment, find_visible_comment
from mechshare.services.support.idempotency import IdempotentRequest, run_once
from mechshare.services.transactions import Transaction, Transactions


@dataclass(frozen=True, slots=True, kw_only=True)
class Discussion:
    """A page of the threads on a mechanism. `count` is the number of all comments and replies that are not deleted."""

    threads: Page[Thread]
    count: int
    lock: CommentLock | None

    @property
    def comments(self) -> list[Comment]:
        """The comments and replies on the page."""
        shown = (one for thread in self.threads.items for one in (thread.first, *thread.replies))
        return [one.comment for one in shown]


class CommentService:
    """Comments change neither the version of a mechanism nor what caches hold of it."""

    def __init__(self, transactions: Transactions, clock: Clock, ids: IdSource) -> None:
        self._transactions = transactions
        self._clock = clock
        self._ids = ids

    async def find_threads(
        self, viewer: Viewer, mechanism_id: MechanismId, sort: CommentSort, request: PageRequest
    ) -> Discussion:
        """Returns a page of the comments with their oldest replies. Raises MechanismNotFound."""
        async with self._transactions.read() as tx:
            await find_visible(tx, viewer, mechanism_id)
            found = await tx.comments.find_threads(mechanism_id, sort, request)
            threads = await _with_replies(tx, found.items)
            return Discussion(
                threads=found.with_items(threads),
                count=await tx.comments.count(mechanism_id),
                lock=await tx.comment_locks.find(mechanism_id),
            )

    async def find_thread(
        self, viewer: Viewer, mechanism_id: MechanismId, comment_id: CommentId, request: PageRequest
    ) -> tuple[AuthoredComment, Page[AuthoredComment]]:
        """Returns the comment with a page of its replies, oldest first. Raises MechanismNotFound, CommentNotFound."""
        async with self._transactions.read() as tx:
            await find_visible(tx, viewer, mechanism_id)
            first = await _authored(tx, await _comment_of(tx, mechanism_id, comment_id))
            return first, await tx.comment_replies.find_of_thread(comment_id, request)

    async def get_comment(self, viewer: Viewer, comment_id: CommentId) -> AuthoredComment:
        """Returns a comment or reply on a mechanism that the viewer sees. Raises CommentNotFound."""
        async with self._transactions.read() as tx:
            return await _authored(tx, await find_visible_comment(tx, viewer, comment_id))

    async def find_history(
        self, viewer: Viewer, mechanism_id: MechanismId, comment_id: CommentId
    ) -> tuple[FormerText, ...]:
        """Returns the former texts of the comment, oldest first. Raises MechanismNotFound, CommentNotFound."""
        async with self._transactions.read() as tx:
            await find_visible(tx, viewer, mechanism_id)
            return (await _comment_of(tx, mechanism_id, comment_id)).former

    async def find_anchored(self, viewer: Viewer, mechanism_id: MechanismId) -> Sequence[Comment]:
        """Returns the first MAX_ANCHORED comments on a moment, a span or a page, in this order. Raises
        MechanismNotFound."""
        async with self._transactions.read() as tx:
            await find_visible(tx, viewer, mechanism_id)
            return await tx.comments.find_anchored(mechanism_id, MAX_ANCHORED)

    async def find_lock(self, viewer: Viewer, mechanism_id: MechanismId) -> CommentLock | None:
        """Returns the lock of the comments, if they are locked. Raises MechanismNotFound."""
        async with self._transactions.read() as tx:
            await find_visible(tx, viewer, mechanism_id)
            return await tx.comment_locks.find(mechanism_id)

    def find_editable(self, viewer: Viewer, comments: Sequence[Comment]) -> list[Comment]:
        """Returns those of `comments` whose text `viewer` may change now, unless the comments are locked."""
        if viewer is None or not viewer.has_permission(Permission.CREATE_MECHANISMS):
            return []
        now = self._clock.now()
        return [one for one in comments if not one.is_deleted and one.is_editable_by(viewer.id, now)]

    async def add(
        self,
        actor: Actor,
        mechanism_id: MechanismId,
        text: str,
        at: Anchor = NO_ANCHOR,
        thread_id: CommentId | None = None,
        idempotency: IdempotentRequest[AuthoredComment] | None = None,
    ) -> AuthoredComment:
        """Adds a comment on a mechanism that the actor sees, or a reply to the comment `thread_id`.

        Raises MechanismNotFound, UnauthorizedOperation, CommentsLocked, CommentNotFound, CommentDeleted, InvalidField,
        and as `run_once` does.
        """
        comment = Comment(
            id=CommentId(self._ids.new_id()),
            mechanism_id=mechanism_id,
            thread_id=thread_id,
            user_id=actor.id,
            text=clean_comment(text),
            at=at,
            created_at=self._clock.now(),
        )
        # The author belongs to the response, which is stored with the comment.
        author = (await self._authored(comment)).author
        async with self._transactions.begin() as tx:
            mechanism = await find_visible(tx, actor, mechanism_id)
            require_poster(actor)

            async def add() -> AuthoredComment:
                return AuthoredComment(comment=await _add(tx, comment, mechanism), author=author)

            return await run_once(tx, self._clock, idempotency, add)

    async def edit(
        self, actor: Actor, mechanism_id: MechanismId, comment_id: CommentId, text: str
    ) -> AuthoredComment:
        """Gives a comment of the actor's another text, for EDIT_PERIOD after it was written.

        Raises MechanismNotFound, CommentNotFound, UnauthorizedOperation, CommentsLocked, and as `Comment.edited` does.
        """
        async with self._transactions.begin() as tx:
            mechanism = await find_visible(tx, actor, mechanism_id)
            require_poster(actor)
            comment = await _comment_of(tx, mechanism_id, comment_id)
            edited = comment.edited(actor, text, self._clock.now())
            await _require_unlocked(tx, mechanism_id)
            if edited != comment:
                mentions = await _mentions(tx, edited.text)
                edited = await tx.comments.save(replace(edited, mentions=mentions))
                mentioned = _mentioned(edited, comment)
                await tx.record(CommentWritten(edited, mechanism.user_id, mentioned=mentioned, is_edit=True))
        return await self._authored(edited)

    async def delete(
        self,
        actor: Actor,
        mechanism_id: MechanismId,
        comment_id: CommentId,
        request_metadata: RequestMetadata,
    ) -> None:
        """Deletes a comment of the actor's, or as a moderator anybody's. One that was replied to leaves a tombstone.

        Raises MechanismNotFound, CommentNotFound, CommentOfOther.
        """
        async with self._transactions.begin() as tx:
            await find_visible(tx, actor, mechanism_id)
            comment = await _comment_of(tx, mechanism_id, comment_id)
            if comment.is_deleted:
                raise CommentNotFound()
            require_deletable(comment, actor)
            await delete_comment(tx, comment, self._clock.now())
            if comment.user_id != actor.id:
                await tx.record(CommentDeletedByModerator(comment, actor.id, request_metadata))

    async def find_of_user(self, actor: Actor, user_id: UserId) -> Sequence[Comment]:
        """Returns all comments of a user that are not deleted, oldest first, for moderators. Raises
        UnauthorizedOperation."""
        require_permission(actor, Permission.WITHDRAW_ANY_MECHANISM)
        async with self._transactions.read() as tx:
            return await tx.writings.find_comments(user_id)

    async def lock(
        self, actor: Actor, mechanism_id: MechanismId, request_metadata: RequestMetadata
    ) -> CommentLock:
        """Locks the comments, for the mechanism's owner and moderators; no-op if they are locked.

        Raises MechanismNotFound, UnauthorizedOperation.
        """
        async with self._transactions.begin() as tx:
            mechanism = await _find_lockable(tx, actor, mechanism_id)
            lock = await tx.comment_locks.find(mechanism_id)
            if lock is not None and (lock.by_moderator or mechanism.is_owned_by(actor.id)):
                return lock
            is_owner = mechanism.is_owned_by(actor.id)
            made = CommentLock(
                mechanism_id=mechanism_id, locked_at=self._clock.now(), by_moderator=not is_owner
            )
            await tx.comment_locks.put(made)
            if made.by_moderator:
                await tx.record(CommentsLockedByModerator(mechanism_id, actor.id, True, request_metadata))
            return made

    async def unlock(
        self, actor: Actor, mechanism_id: MechanismId, request_metadata: RequestMetadata
    ) -> None:
        """Unlocks the comments; no-op if they are not locked.

        Raises MechanismNotFound, UnauthorizedOperation, LockedByModerator.
        """
        async with self._transactions.begin() as tx:
            mechanism = await _find_lockable(tx, actor, mechanism_id)
            lock = await tx.comment_locks.find(mechanism_id)
            if lock is None:
                return
            if lock.by_moderator and not actor.has_permission(Permission.WITHDRAW_ANY_MECHANISM):
                raise LockedByModerator()
            await tx.comment_locks.delete(mechanism_id)
            if not mechanism.is_owned_by(actor.id):
                await tx.record(CommentsLockedByModerator(mechanism_id, actor.id, False, request_metadata))

    async def _authored(self, comment: Comment) -> AuthoredComment:
        # In a transaction this would lock the account, for which notifications of others may wait.
        async with self._transactions.read() as tx:
            return await _authored(tx, comment)


async def _with_replies(tx: UnitOfWork, found: Sequence[AuthoredComment]) -> tuple[Thread, ...]:
    ids = [item.comment.id for item in found]
    counts = await tx.comment_replies.count(ids)
    replies = await tx.comment_replies.find_first(list(counts), REPLIES_SHOWN) if counts else ()
    return tuple(
        Thread(
            first=item,
            reply_count=counts.get(item.comment.id, 0),
            replies=tuple(one for one in replies if one.comment.thread_id == item.comment.id),
        )
        for item in found
    )


async def _comment_of(tx: UnitOfWork, mechanism_id: MechanismId, id: CommentId) -> Comment:
    comment = await tx.comments.find_by_id(id)
    if comment is None or comment.mechanism_id != mechanism_id:
        raise CommentNotFound()
    return comment


async def _add(tx: Transaction, comment: Comment, mechanism: Mechanism) -> Comment:
    await _require_unlocked(tx, mechanism.id)
    thread = await _replied_to(tx, mechanism.id, comment.thread_id) if comment.thread_id else None
    require_anchor(comment.at, mechanism, thread)
    saved = await tx.comments.save(replace(comment, mentions=await _mentions(tx, comment.text)))
    await tx.counts.mark_stale(mechanism.id)
    thread_user_id = thread.user_id if thread else None
    await tx.record(CommentWritten(saved, mechanism.user_id, thread_user_id, _mentioned(saved)))
    return saved


async def _replied_to(tx: UnitOfWork, mechanism_id: MechanismId, id: CommentId) -> Comment:
    """Returns the comment that gets a reply. Raises CommentNotFound, CommentDeleted, InvalidField."""
    thread = await _comment_of(tx, mechanism_id, id)
    if thread.is_deleted:
        raise CommentDeleted()
    if thread.thread_id is not None:
        raise InvalidField(
            "thread_id",
            en="must be a comment that is no reply: threads have one level.",
            ja="返信ではなく、元のコメントを指定してください（返信への返信はできません）。",
        )
    return thread


async def _mentions(tx: UnitOfWork, text: str) -> tuple[Mention, ...]:
    """Returns whom the text mentions: with each mention the user who has the longest of its possible names."""
    found: list[Mention] = []
    for names in mentioned_names(text):
        for name in names:
            user = await tx.users.find_by_login(name)
            if user is not None:
                found.append(Mention(name=name, user_id=user.id))
                break
    return tuple(dict.fromkeys(found))


def _mentioned(comment: Comment, before: Comment | None = None) -> tuple[UserId, ...]:
    """Returns the users whom the comment mentions, and did not mention before."""
    known = {one.user_id for one in before.mentions} if before else set()
    named = dict.fromkeys(one.user_id for one in comment.mentions if one.user_id not in known)
    return tuple(user_id for user_id in named if user_id is not None)


async def _require_unlocked(tx: UnitOfWork, mechanism_id: MechanismId) -> None:
    if await tx.comment_locks.find(mechanism_id) is not None:
        raise CommentsLocked()


async def _find_lockable(tx: UnitOfWork, actor: Actor, id: MechanismId) -> Mechanism:
    found = await tx.mechanisms.find_by_id(id)
    return require_withdrawer(actor, found, await shared_access(tx, actor, found))


async def _authored(tx: UnitOfWork, comment: Comment) -> AuthoredComment:
    if comment.user_id is None:
        return AuthoredComment(comment=comment, author=None)
    user = await tx.users.find_by_id(comment.user_id)
    if user is None:
        raise CommentNotFound()
    return AuthoredComment(comment=comment, author=author_of(user))
