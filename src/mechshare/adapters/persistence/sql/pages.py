"""Pages of documents in SQL."""

from collections.abc import Mapping, Sequence

from sqlalchemy import bindparam, delete, insert, select

from mechshare.adapters.persistence.sql.dialects.dialect import IsAmong
from mechshare.adapters.persistence.sql.records import record_of
from mechshare.adapters.persistence.sql.statements import Statements
from mechshare.adapters.persistence.sql.tables import document_pages
from mechshare.adapters.persistence.sql.types import IdList
from mechshare.domain.ids import MechanismId
from mechshare.domain.pages import Page
from mechshare.ports.persistence.pages import PageRepository

_PAGE = record_of(Page, document_pages)
_OWN = document_pages.c.mechanism_id == bindparam("owner", type_=document_pages.c.mechanism_id.type)
_INSERT = insert(document_pages)
_DELETE = delete(document_pages).where(_OWN)
_BY_NUMBER = select(document_pages).where(_OWN, document_pages.c.number == bindparam("page"))
_PICTURES = (
    select(document_pages.c.picture_key)
    .where(_OWN, document_pages.c.picture_key.is_not(None))
    .order_by(document_pages.c.number)
)
_TEXTS = (
    select(document_pages.c.mechanism_id, document_pages.c.text)
    .where(IsAmong(document_pages.c.mechanism_id, bindparam("ids", type_=IdList())))
    .order_by(document_pages.c.mechanism_id, document_pages.c.number)
)


class SqlPageRepository(PageRepository):
    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def replace(self, mechanism_id: MechanismId, pages: Sequence[Page]) -> None:
        await self._statements.change(_DELETE, {"owner": mechanism_id})
        if pages:
            await self._statements.change(_INSERT, [_PAGE.values(page) for page in pages])

    async def find_by_number(self, mechanism_id: MechanismId, number: int) -> Page | None:
        row = await self._statements.row(_BY_NUMBER, {"owner": mechanism_id, "page": number})
        return _PAGE.value(row) if row else None

    async def find_picture_keys(self, mechanism_id: MechanismId) -> tuple[str, ...]:
        rows = await self._statements.rows(_PICTURES, {"owner": mechanism_id})
        return tuple(key for (key,) in rows)

    async def find_texts(self, mechanism_ids: Sequence[MechanismId]) -> Mapping[MechanismId, tuple[str, ...]]:
        rows = await self._statements.rows(_TEXTS, {"ids": list(mechanism_ids)}) if mechanism_ids else ()
        texts: dict[MechanismId, list[str]] = {}
        for id, text in rows:
            texts.setdefault(MechanismId(id), []).append(text)
        return {id: tuple(pages) for id, pages in texts.items()}
