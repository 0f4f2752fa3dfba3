"""Comments in memory."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from mechshare.adapters.persistence.memory.access import Access
from mechshare.adapters.persistence.memory.pagination import paged
from mechshare.adapters.persistence.memory.table import Column, ReferenceViolated, Table
from mechshare.adapters.persistence.memory.tables import KEY, MECHANISMS, USERS
from mechshare.domain.comments import (
    NO_ANCHOR,
    AuthoredComment,
    Comment,
    CommentId,
    CommentLock,
    CommentSort,
)
from mechshare.domain.errors import MechanismNotFound
from mechshare.domain.ids import MechanismId, UserId
from mechshare.domain.mechanisms import author_of
from mechshare.domain.pagination import Page, PageRequest, SortKey
from mechshare.ports.persistence.comments import (
    CommentLockRepository,
    CommentReplyRepository,
    CommentRepository,
)

COMMENTS = Table(
    "comments",
    Comment,
    id=KEY,
    mechanism_id=Column(refers_to=MECHANISMS, cascades=True),
    user_id=Column(refers_to=USERS, cascades=True),
)
COMMENT_LOCKS = Table(
    "comment_locks",
    CommentLock,
    mechanism_id=Column(primary_key=True, refers_to=MECHANISMS, cascades=True),
)


class MemoryCommentRepository(CommentRepository):
    def __init__(self, access: Access) -> None:
        self._access = access

    async def find_by_id(self, id: CommentId) -> Comment | None:
        return self._access.read(COMMENTS).find(id)

    async def save(self, comment: Comment) -> Comment:
        try:
            return self._access.write(COMMENTS).save(comment)
        except ReferenceViolated as problem:
            raise MechanismNotFound() from problem

    async def delete(self, id: CommentId) -> None:
        comments = self._access.write(COMMENTS)
        if comments.find(id) is not None:
            comments.delete(id)

    async def delete_of_user(self, user_id: UserId, now: datetime) -> None:
        own = [comment for comment in self._access.read(COMMENTS) if comment.user_id == user_id]
        for comment in own:
            if comment.thread_id is not None:
                await self.delete(comment.id)
        threads = [comment.thread_id or comment.id for comment in own]
        replied_to = _count_replies(self._access, threads)
        for comment in own:
            if comment.thread_id is None and comment.id in replied_to:
                self._access.write(COMMENTS).save(comment.tombstone(now))
            elif comment.thread_id is None:
                await self.delete(comment.id)
            elif comment.thread_id not in replied_to:
                await self._delete_tombstone(comment.thread_id)
        self._clear_mentions(user_id)

    def _clear_mentions(self, user_id: UserId) -> None:
        comments = self._access.write(COMMENTS)
        for comment in [one for one in comments if user_id in {mention.user_id for mention in one.mentions}]:
            mentions = (
                replace(one, user_id=None) if one.user_id == user_id else one for one in comment.mentions
            )
            comments.put(replace(comment, mentions=tuple(mentions)))

    async def _delete_tombstone(self, id: CommentId) -> None:
        thread = await self.find_by_id(id)
        if thread is not None and thread.is_deleted:
            await self.delete(id)

    async def find_threads(
        self, mechanism_id: MechanismId, sort: CommentSort, request: PageRequest
    ) -> Page[AuthoredComment]:
        threads = [_authored(self._access, one) for one in self._of(mechanism_id) if one.thread_id is None]

        def key(item: AuthoredComment) -> tuple[SortKey, str]:
            return getattr(item.comment, sort.order.column), item.comment.id

        return paged(threads, request, key=key, descending=sort.order.is_descending)

    async def count(self, mechanism_id: MechanismId) -> int:
        return sum(not comment.is_deleted for comment in self._of(mechanism_id))

    async def find_anchored(self, mechanism_id: MechanismId, limit: int) -> Sequence[Comment]:
        anchored = [one for one in self._of(mechanism_id) if one.at != NO_ANCHOR and not one.is_deleted]
        return sorted(anchored, key=lambda one: (one.moment, one.id))[:limit]

    def _of(self, mechanism_id: MechanismId) -> list[Comment]:
        return [one for one in self._access.read(COMMENTS) if one.mechanism_id == mechanism_id]


class MemoryCommentReplyRepository(CommentReplyRepository):
    def __init__(self, access: Access) -> None:
        self._access = access

    async def find_of_thread(self, thread_id: CommentId, request: PageRequest) -> Page[AuthoredComment]:
        return paged(self._replies(thread_id), request, key=_age, descending=False)

    async def find_first(self, thread_ids: Sequence[CommentId], each: int) -> Sequence[AuthoredComment]:
        found = [reply for id in thread_ids for reply in sorted(self._replies(id), key=_age)[:each]]
        return sorted(found, key=_age)

    async def count(self, thread_ids: Sequence[CommentId]) -> Mapping[CommentId, int]:
        return _count_replies(self._access, thread_ids)

    def _replies(self, thread_id: CommentId) -> list[AuthoredComment]:
        comments = self._access.read(COMMENTS)
        return [_authored(self._access, one) for one in comments if one.thread_id == thread_id]


class MemoryCommentLockRepository(CommentLockRepository):
    def __init__(self, access: Access) -> None:
        self._access = access

    async def find(self, mechanism_id: MechanismId) -> CommentLock | None:
        return self._access.read(COMMENT_LOCKS).find(mechanism_id)

    async def put(self, lock: CommentLock) -> None:
        try:
            self._access.write(COMMENT_LOCKS).put(lock)
        except ReferenceViolated as problem:
            raise MechanismNotFound() from problem

    async def delete(self, mechanism_id: MechanismId) -> None:
        if await self.find(mechanism_id) is not None:
            self._access.write(COMMENT_LOCKS).delete(mechanism_id)


def _age(item: AuthoredComment) -> tuple[datetime, str]:
    return item.comment.created_at, item.comment.id


def _authored(access: Access, comment: Comment) -> AuthoredComment:
    if comment.user_id is None:
        return AuthoredComment(comment=comment, author=None)
    user = access.read(USERS).get(comment.user_id)
    return AuthoredComment(comment=comment, author=author_of(user))


def _count_replies(access: Access, thread_ids: Sequence[CommentId]) -> Mapping[CommentId, int]:
    threads = (one.thread_id for one in access.read(COMMENTS))
    return Counter(id for id in threads if id is not None and id in thread_ids)
