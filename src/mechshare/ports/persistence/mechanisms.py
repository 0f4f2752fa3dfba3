"""Repositories of mechanisms."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from mechshare.domain.ids import CategoryId, MechanismId, UserId
from mechshare.domain.mechanism_filters import EVERY_MECHANISM, MechanismFilter
from mechshare.domain.mechanism_sorts import MechanismSort
from mechshare.domain.mechanisms import AuthoredMechanism, Mechanism
from mechshare.domain.pagination import Page, PageRequest
from mechshare.domain.visibility import PUBLIC_SCOPE, ListScope


class MechanismRepository(Protocol):
    async def find_by_id(self, id: MechanismId) -> Mechanism | None: ...

    async def find_authored(self, ids: Sequence[MechanismId]) -> tuple[AuthoredMechanism, ...]:
        """Returns the existing ones, in the order of `ids`; at most 1,000 per call."""

    async def find_all(
        self,
        request: PageRequest,
        filter: MechanismFilter = EVERY_MECHANISM,
        *,
        sort: MechanismSort = MechanismSort.NEWEST,
        scope: ListScope = PUBLIC_SCOPE,
        words: Sequence[str] = (),
        other_names: Sequence[Sequence[str]] = (),
        among: int = 1_000,
    ) -> Page[AuthoredMechanism]:
        """Returns a page of the mechanisms in `scope` that `filter` admits.

        A reader's scope has what is public or internal, the private ones of the reader, and those that are shared with
        the reader or a group of theirs; all of them published, and none unlisted.

        Each of `words`, or one of its `other_names` at the same place, must occur in the title, description, author's
        name or first MAX_SCANNED_TEXT characters of the first page, also inside other words; only the `among` newest
        mechanisms that meet the other conditions are scanned. ASCII letters match in either case, and half- and
        full-width words match text in the usual width; further equivalences depend on the database.

        Positions are (`mechanisms.sort_key`, id). The total is exact up to EXACT_TOTAL; a count in `request` is used
        unchecked.
        """

    async def count(
        self, filter: MechanismFilter = EVERY_MECHANISM, *, scope: ListScope = PUBLIC_SCOPE
    ) -> int:
        """Counts the mechanisms that `find_all` lists for these conditions; EXACT_TOTAL + 1 for more than
        EXACT_TOTAL."""

    async def add(self, mechanisms: Sequence[Mechanism]) -> None:
        """Stores new ones as version 1; at most 1,000 per call. Raises what `save` raises."""

    async def save(self, mechanism: Mechanism) -> AuthoredMechanism:
        """Stores `mechanism` and returns it with its new version and its author; version 0 marks a new one.

        Raises StaleVersion if the stored version is not `mechanism.version` or the mechanism was deleted, and
        CategoryNotFound if one of its categories does not exist.
        """

    async def delete(self, id: MechanismId, version: int) -> None:
        """Deletes the mechanism. Raises StaleVersion if the stored version differs, or there is none."""


class MechanismBulkRepository(Protocol):
    """Operations on up to 1,000 mechanisms at a time, by identifier."""

    async def find_public(
        self, request: PageRequest, filter: MechanismFilter = EVERY_MECHANISM, *, sort: MechanismSort
    ) -> Page[MechanismId]:
        """Returns the page of `MechanismRepository.find_all` for these arguments, with identifiers as its items."""

    async def find(
        self,
        *,
        limit: int,
        user_id: UserId | None = None,
        category_id: CategoryId | None = None,
        after: MechanismId | None = None,
    ) -> Sequence[MechanismId]:
        """Returns up to `limit` ids of a user's mechanisms or of those in a category that follow `after`, in order."""

    async def renew(self, ids: Sequence[MechanismId]) -> None:
        """Gives the existing ones a new version."""

    async def move(self, ids: Sequence[MechanismId], source: CategoryId, target: CategoryId) -> None:
        """Puts those in the category `source` into `target` instead, at its place unless they are there already, and
        gives the existing ones a new version."""

    async def withdraw(self, ids: Sequence[MechanismId], reason: str, now: datetime) -> Sequence[MechanismId]:
        """Withdraws the published ones for `reason`, as `Mechanism.withdraw_for` does, and gives them a new version;
        returns their ids."""

    async def reinstate(
        self, ids: Sequence[MechanismId], reason: str, now: datetime
    ) -> Sequence[MechanismId]:
        """Publishes those that are withdrawn for exactly `reason` and gives them a new version; returns their ids."""

    async def delete(self, ids: Sequence[MechanismId]) -> Sequence[MechanismId]:
        """Deletes the existing ones; returns their ids."""


class MechanismFiles(Protocol):
    """The files that mechanisms were made from."""

    async def find_by_original(self, user_id: UserId, sha256: str) -> Mechanism | None:
        """Returns the user's oldest mechanism that was made from a file with this content."""

    async def find_failed(self, before: datetime, *, limit: int) -> Sequence[MechanismId]:
        """Returns up to `limit` mechanisms that are `failed_since` a time before `before`, in order of identifier."""

    async def count_unfinished(self, user_id: UserId) -> int:
        """Counts the user's mechanisms whose processing has neither succeeded nor failed.

        In a transaction, other transactions that count those of the same user wait until it ends, so that a limit holds
        for all of them together.
        """
