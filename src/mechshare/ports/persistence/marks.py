"""Likes and bookmarks of mechanisms."""

from typing import Protocol

from mechshare.domain.ids import MechanismId, UserId
from mechshare.domain.marks import Mark, MarkKind, Marks
from mechshare.domain.pagination import Page, PageRequest


class MarkRepository(Protocol):
    """Marks end with their mechanism and with the account of their user."""

    async def add(self, mark: Mark) -> bool:
        """Stores the mark; returns whether it did. It does not if the user has one of this kind. Raises
        MechanismNotFound if the mechanism or the user does not exist."""

    async def delete(self, mechanism_id: MechanismId, user_id: UserId, kind: MarkKind) -> None:
        """Deletes the mark, if it exists."""

    async def find_marks(self, mechanism_id: MechanismId, user_id: UserId | None) -> Marks:
        """Returns how many users like the mechanism, and which kinds of marks this user has on it: none if `user_id` is
        None.

        Where there are more than MAX_COUNTED, the likes may be those of the last count (`CountRepository.recount`).
        """

    async def count_of_user(self, user_id: UserId, kind: MarkKind) -> int:
        """Returns how many marks of this kind the user has.

        In a transaction, other transactions that count the same wait until it ends, so that a limit holds for all of
        them together.
        """

    async def find_of_user(self, user_id: UserId, kind: MarkKind, request: PageRequest) -> Page[Mark]:
        """Returns a page of the user's marks, newest first; positions are (created_at, mechanism_id)."""
