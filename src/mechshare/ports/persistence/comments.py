"""Comments on mechanisms, and the locks that close them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from mechshare.domain.comments import AuthoredComment, Comment, CommentId, CommentLock, CommentSort
from mechshare.domain.ids import MechanismId, UserId
from mechshare.domain.pagination import Page, PageRequest


class CommentRepository(Protocol):
    """Comments are deleted with their mechanism. Call `delete_of_user` before an account is deleted."""

    async def find_by_id(self, id: CommentId) -> Comment | None:
        """Returns the comment; in a transaction, its thread stays as it is until the end, and gets no reply."""

    async def save(self, comment: Comment) -> Comment:
        """Stores `comment` and returns it with its new version; version 0 marks a new one.

        Raises StaleVersion if the stored version is not `comment.version`, and MechanismNotFound if the mechanism or
        the user does not exist.
        """

    async def delete(self, id: CommentId) -> None:
        """Deletes the comment, if it exists. Delete its replies first."""

    async def delete_of_user(self, user_id: UserId, now: datetime) -> None:
        """Deletes the comments of a user. Those to which others replied become tombstones; tombstones to which only
        the user replied are deleted, too. Mentions of the user in comments of others keep the name alone."""

    async def find_threads(
        self, mechanism_id: MechanismId, sort: CommentSort, request: PageRequest
    ) -> Page[AuthoredComment]:
        """Returns a page of the comments that are no replies; positions are (created_at or moment, id)."""

    async def count(self, mechanism_id: MechanismId) -> int:
        """Counts the comments and replies that are not deleted."""

    async def find_anchored(self, mechanism_id: MechanismId, limit: int) -> Sequence[Comment]:
        """Returns the first comments on a moment, a span or a page, in this order."""


class CommentReplyRepository(Protocol):
    """Reads the comments that are replies."""

    async def find_of_thread(self, thread_id: CommentId, request: PageRequest) -> Page[AuthoredComment]:
        """Returns a page of the replies, oldest first; positions are (created_at, id)."""

    async def find_first(self, thread_ids: Sequence[CommentId], each: int) -> Sequence[AuthoredComment]:
        """Returns the `each` oldest replies of every thread, oldest first."""

    async def count(self, thread_ids: Sequence[CommentId]) -> Mapping[CommentId, int]:
        """Returns the number of replies of each thread that has any."""


class CommentLockRepository(Protocol):
    """A lock ends with its mechanism."""

    async def find(self, mechanism_id: MechanismId) -> CommentLock | None: ...

    async def put(self, lock: CommentLock) -> None:
        """Stores the lock in place of the one before. Raises MechanismNotFound if there is no such mechanism."""

    async def delete(self, mechanism_id: MechanismId) -> None:
        """Deletes the lock, if there is one."""
