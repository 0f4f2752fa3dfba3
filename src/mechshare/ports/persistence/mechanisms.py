"""Mechanisms: one, pages of them, and many at a time."""

from collections.abc import Sequence
from typing import Protocol

from mechshare.domain.ids import CategoryId, MechanismId, UserId
from mechshare.domain.mechanisms import AuthoredMechanism, Mechanism, MechanismSort
from mechshare.domain.pagination import Page, PageRequest


class MechanismRepository(Protocol):
    async def find_by_id(self, id: MechanismId) -> Mechanism | None: ...

    async def find_authored(self, ids: Sequence[MechanismId]) -> tuple[AuthoredMechanism, ...]:
        """Those that exist, in the order of `ids`; at most 1,000 at a time."""

    async def find_all(
        self,
        request: PageRequest,
        *,
        sort: MechanismSort = MechanismSort.NEWEST,
        category_ids: Sequence[CategoryId] = (),
        user_id: UserId | None = None,
        published_only: bool = True,
        words: Sequence[str] = (),
        among: int = 1_000,
    ) -> Page[AuthoredMechanism]:
        """A page of the mechanisms in any of `category_ids` (none given: in any or no category).

        Each of `words` must stand in title, description or author's name, inside other words too; only the `among`
        newest of what all else leaves are looked at. ASCII letters match in either case, and half- and full-width words
        what is stored in the usual width; how much more is taken as equal is the database's affair.
        Positions are (`mechanisms.sort_key`, id). The total is exact up to EXACT_TOTAL; a count in `request` is
        believed.
        """

    async def count(
        self,
        *,
        category_ids: Sequence[CategoryId] = (),
        user_id: UserId | None = None,
        published_only: bool = True,
    ) -> int:
        """How many mechanisms `find_all` lists for the same conditions; EXACT_TOTAL + 1 for more than EXACT_TOTAL."""

    async def add(self, mechanisms: Sequence[Mechanism]) -> None:
        """Stores new ones, which have version 1 then; at most 1,000 at a time. Raises as `save` does."""

    async def save(self, mechanism: Mechanism) -> Mechanism:
        """Stores `mechanism` and gives it back with its new version; version 0 is a new one.

        Raises StaleVersion when the stored version is not `mechanism.version` (a deleted one is stale too), and
        CategoryNotFound when one of its categories does not exist.
        """

    async def delete(self, id: MechanismId, version: int) -> None:
        """Raises StaleVersion when the stored version is another, or there is none."""


class MechanismBulkRepository(Protocol):
    """Many mechanisms at a time; at most 1,000."""

    async def find(
        self,
        *,
        limit: int,
        user_id: UserId | None = None,
        category_id: CategoryId | None = None,
        after: MechanismId | None = None,
    ) -> Sequence[MechanismId]:
        """Up to `limit` of a user's, or of those in a category: the next `after` that one, by their identifiers."""

    async def renew(self, ids: Sequence[MechanismId]) -> None:
        """Gives those of them that there are a new version."""

    async def delete(self, ids: Sequence[MechanismId]) -> Sequence[MechanismId]:
        """Deletes those of them that there are; which they were."""


class MechanismFiles(Protocol):
    """What mechanisms were made from."""

    async def find_by_original(self, user_id: UserId, sha256: str) -> Mechanism | None:
        """The user's oldest mechanism that was made from a file with this content."""
