"""The pages of documents."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from mechshare.domain.ids import MechanismId
from mechshare.domain.pages import Page


class PageRepository(Protocol):
    async def replace(self, mechanism_id: MechanismId, pages: Sequence[Page]) -> None:
        """Stores these pages in place of all earlier ones of the mechanism, which must exist."""

    async def find_by_number(self, mechanism_id: MechanismId, number: int) -> Page | None: ...

    async def find_picture_keys(self, mechanism_id: MechanismId) -> tuple[str, ...]:
        """Returns the pictures of the mechanism's pages, in their order."""

    async def find_texts(self, mechanism_ids: Sequence[MechanismId]) -> Mapping[MechanismId, tuple[str, ...]]:
        """Returns the texts of all pages of those mechanisms that have pages, in order; at most 1,000 per call."""
