"""Mechanisms in SQL."""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import bindparam, delete, insert, select, update

from mechshare.adapters.persistence.sql.dialects import IsAmong
from mechshare.adapters.persistence.sql.errors import ForeignKeyViolated, UniqueViolated
from mechshare.adapters.persistence.sql.mechanism_lists import mechanism_list
from mechshare.adapters.persistence.sql.mechanism_rows import (
    AUTHORED,
    MECHANISMS,
    authored_of,
    category_values_of,
    mechanism_of,
    values_of,
)
from mechshare.adapters.persistence.sql.paging import paged
from mechshare.adapters.persistence.sql.statements import Statements
from mechshare.adapters.persistence.sql.tables import mechanism_categories, mechanisms, users
from mechshare.adapters.persistence.sql.types import IdList
from mechshare.domain.blobs import blob_key
from mechshare.domain.blobs import mechanism_of as mechanism_named_by
from mechshare.domain.errors import CategoryNotFound, StaleVersion, UserNotFound
from mechshare.domain.ids import CategoryId, MechanismId, UserId, is_id
from mechshare.domain.mechanisms import AuthoredMechanism, Mechanism, MechanismSort, sort_key
from mechshare.domain.pages import Page, PageRequest, Position

_AUTHORED = AUTHORED.select_from(mechanisms).join(users, users.c.id == mechanisms.c.user_id)
_AUTHORED_BY_ID = _AUTHORED.where(mechanisms.c.id == bindparam("id"))
_IN_IDS = IsAmong(mechanisms.c.id, bindparam("ids", type_=IdList()))
_AUTHORED_BY_IDS = _AUTHORED.where(_IN_IDS)
_BY_ID = MECHANISMS.where(mechanisms.c.id == bindparam("id"))
_BY_ORIGINAL = (
    MECHANISMS.where(
        mechanisms.c.user_id == bindparam("user_id"), mechanisms.c.original_sha256 == bindparam("sha256")
    )
    .order_by(mechanisms.c.created_at, mechanisms.c.id)
    .limit(1)
)
_ORIGINALS = select(mechanisms.c.original_key).where(
    mechanisms.c.original_key.in_(bindparam("keys", expanding=True))
)
_DERIVED = select(mechanisms.c.file_url, mechanisms.c.thumbnail_url, mechanisms.c.preview_url).where(_IN_IDS)
_SAME = (mechanisms.c.id == bindparam("same_id")) & (mechanisms.c.version == bindparam("same_version"))
_INSERT = insert(mechanisms)
_UPDATE = update(mechanisms).where(_SAME)
_DELETE = delete(mechanisms).where(_SAME)
_INSERT_CATEGORIES = insert(mechanism_categories)
_DELETE_CATEGORIES = delete(mechanism_categories).where(
    mechanism_categories.c.mechanism_id == bindparam("mechanism_id")
)


class SqlMechanismRepository:
    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def find_by_id(self, id: MechanismId) -> Mechanism | None:
        await self._statements.hold(mechanisms.c.id, id)
        row = await self._statements.row(_BY_ID, {"id": id})
        return mechanism_of(row) if row else None

    async def find_authored(self, ids: Sequence[MechanismId]) -> tuple[AuthoredMechanism, ...]:
        if len(ids) == 1:
            row = await self._statements.row(_AUTHORED_BY_ID, {"id": ids[0]})
            return (authored_of(row),) if row else ()
        rows = await self._statements.rows(_AUTHORED_BY_IDS, {"ids": list(ids)}) if ids else ()
        found = {item.mechanism.id: item for item in map(authored_of, rows)}
        return tuple(found[id] for id in ids if id in found)

    async def find_all(
        self,
        request: PageRequest,
        *,
        sort: MechanismSort = MechanismSort.NEWEST,
        category_ids: Sequence[CategoryId] = (),
        user_id: UserId | None = None,
        published_only: bool = True,
        words: Sequence[str] = (),
    ) -> Page[AuthoredMechanism]:
        listed, parameters = mechanism_list(sort, category_ids, user_id, published_only, words)
        return await paged(
            self._statements,
            listed,
            request,
            value=authored_of,
            position=lambda item: Position(key=sort_key(item.mechanism, sort), id=item.mechanism.id),
            parameters=parameters,
        )

    async def find_by_original(self, user_id: UserId, sha256: str) -> Mechanism | None:
        row = await self._statements.row(_BY_ORIGINAL, {"user_id": user_id, "sha256": sha256})
        return mechanism_of(row) if row else None

    async def find_used(self, keys: Sequence[str]) -> frozenset[str]:
        originals = await self._statements.rows(_ORIGINALS, {"keys": list(keys)}) if keys else ()
        used = {key for (key,) in originals}
        if ids := {id for key in keys if (id := mechanism_named_by(key)) and is_id(id)}:
            urls = await self._statements.rows(_DERIVED, {"ids": list(ids)})
            used |= {key for row in urls for url in row if url and (key := blob_key(url))}
        return frozenset(used & set(keys))

    async def save(self, mechanism: Mechanism) -> Mechanism:
        saved = replace(mechanism, version=mechanism.version + 1)
        try:
            await self._write(mechanism, saved)
        except UniqueViolated as problem:  # one that is new has an identifier that is not
            raise StaleVersion() from problem
        except ForeignKeyViolated as problem:
            raise UserNotFound() from problem
        await self._write_categories(saved)
        return saved

    async def delete(self, id: MechanismId, version: int) -> None:
        if not await self._statements.change(_DELETE, {"same_id": id, "same_version": version}):
            raise StaleVersion()

    async def _write(self, mechanism: Mechanism, saved: Mechanism) -> None:
        if mechanism.version == 0:
            await self._statements.change(_INSERT, values_of(saved))
            return
        same = {"same_id": mechanism.id, "same_version": mechanism.version}
        if not await self._statements.change(_UPDATE, values_of(saved) | same):
            raise StaleVersion()

    async def _write_categories(self, saved: Mechanism) -> None:
        if saved.version > 1:
            await self._statements.change(_DELETE_CATEGORIES, {"mechanism_id": saved.id})
        if not saved.categories:
            return
        try:
            await self._statements.change(_INSERT_CATEGORIES, category_values_of(saved))
        except ForeignKeyViolated as problem:
            raise CategoryNotFound() from problem
