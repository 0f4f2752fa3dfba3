"""Pages of documents in memory."""

from collections.abc import Mapping, Sequence

from mechshare.adapters.persistence.memory.access import Access
from mechshare.adapters.persistence.memory.tables import DOCUMENT_PAGES
from mechshare.domain.ids import MechanismId
from mechshare.domain.pages import Page
from mechshare.ports.persistence.pages import PageRepository


class MemoryPageRepository(PageRepository):
    def __init__(self, access: Access) -> None:
        self._access = access

    async def replace(self, mechanism_id: MechanismId, pages: Sequence[Page]) -> None:
        stored = self._access.write(DOCUMENT_PAGES)
        for page in self._of(mechanism_id):
            stored.delete(mechanism_id, page.number)
        for page in pages:
            stored.insert(page)

    async def find_by_number(self, mechanism_id: MechanismId, number: int) -> Page | None:
        return self._access.read(DOCUMENT_PAGES).find(mechanism_id, number)

    async def find_picture_keys(self, mechanism_id: MechanismId) -> tuple[str, ...]:
        return tuple(page.picture_key for page in self._of(mechanism_id) if page.picture_key)

    async def find_texts(self, mechanism_ids: Sequence[MechanismId]) -> Mapping[MechanismId, tuple[str, ...]]:
        texts = {id: tuple(page.text for page in self._of(id)) for id in mechanism_ids}
        return {id: pages for id, pages in texts.items() if pages}

    def _of(self, mechanism_id: MechanismId) -> list[Page]:
        stored = self._access.read(DOCUMENT_PAGES)
        return sorted(
            (page for page in stored if page.mechanism_id == mechanism_id), key=lambda one: one.number
        )
