"""Collections of mechanisms."""

from collections.abc import Collection as Some
from collections.abc import Sequence
from typing import Protocol

from mechshare.domain.collections import Collection, CollectionId
from mechshare.domain.ids import MechanismId, UserId
from mechshare.domain.pagination import Page, PageRequest
from mechshare.domain.visibility import ListScope, Visibility


class CollectionRepository(Protocol):
    """Collections end with the account of their user."""

    async def find_by_id(self, id: CollectionId) -> Collection | None: ...

    async def find_of_user(
        self, user_id: UserId, visibilities: Some[Visibility], request: PageRequest
    ) -> Page[Collection]:
        """Returns a page of the user's collections of these visibilities, newest first; positions are (created_at,
        id)."""

    async def count_of_user(self, user_id: UserId) -> int:
        """Returns how many collections the user has.

        In a transaction, other transactions that count the same wait until it ends, so that a limit holds for all of
        them together.
        """

    async def save(self, collection: Collection) -> Collection:
        """Stores the collection and returns it with its new version; version 0 stands for a new one. Raises
        StaleVersion, UserNotFound."""

    async def delete(self, id: CollectionId) -> None:
        """Deletes the collection with its entries; no-op if it does not exist."""


class CollectionEntryRepository(Protocol):
    """An entry ends with its mechanism and with its collection; the others stay in their order."""

    async def find_ids(self, id: CollectionId) -> Sequence[MechanismId]:
        """Returns the mechanisms in the collection, in its order."""

    async def find_first(
        self, ids: Sequence[CollectionId], scope: ListScope
    ) -> Sequence[tuple[CollectionId, MechanismId]]:
        """Returns the first mechanism in `scope` of each of these collections, at most 100, that has any."""

    async def find_holding(self, user_id: UserId, mechanism_id: MechanismId) -> Sequence[CollectionId]:
        """Returns the collections of the user that have the mechanism."""

    async def replace(self, id: CollectionId, mechanism_ids: Sequence[MechanismId]) -> None:
        """Puts these mechanisms, each once, in this order in place of what is in the collection. Raises
        MechanismNotFound if one does not exist."""
