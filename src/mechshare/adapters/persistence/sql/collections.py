"""Collections in SQL."""

from collections.abc import Collection as Some
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Integer,
    Select,
    String,
    Table,
    Text,
    and_,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    true,
    update,
)

from mechshare.adapters.persistence.sql.dialects.dialect import IsAmong
from mechshare.adapters.persistence.sql.errors import ForeignKeyViolated, UniqueViolated
from mechshare.adapters.persistence.sql.mechanisms.lists import PARTS, parts_of
from mechshare.adapters.persistence.sql.pagination import paged, paged_query
from mechshare.adapters.persistence.sql.records import record_of
from mechshare.adapters.persistence.sql.statements import Statements
from mechshare.adapters.persistence.sql.tables import mechanisms, metadata
from mechshare.adapters.persistence.sql.types import Id, IdList, UtcTime
from mechshare.domain.collections import Collection, CollectionId
from mechshare.domain.errors import MechanismNotFound, StaleVersion, UserNotFound
from mechshare.domain.ids import MechanismId, UserId
from mechshare.domain.pagination import Page, PageRequest, Position
from mechshare.domain.visibility import ListScope, Visibility
from mechshare.ports.persistence.collections import CollectionEntryRepository, CollectionRepository

collections = Table(
    "collections",
    metadata,
    Column("id", Id, primary_key=True),
    Column("user_id", Id, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("title", Text, nullable=False),
    Column("visibility", String(16), nullable=False),
    # Names a mechanism that may be gone: then the first one stands for it.
    Column("cover_id", Id),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Column("version", Integer, nullable=False),
    Index("ix_collections_of_user", "user_id", "created_at", "id", "visibility"),
)
collection_entries = Table(
    "collection_entries",
    metadata,
    Column("collection_id", Id, ForeignKey("collections.id", ondelete="CASCADE"), primary_key=True),
    Column("mechanism_id", Id, ForeignKey("mechanisms.id", ondelete="CASCADE"), primary_key=True, index=True),
    Column("position", Integer, nullable=False),
)

_COLLECTION = record_of(Collection, collections)
_BY_ID = select(collections).where(collections.c.id == bindparam("id"))
_INSERT = insert(collections)
_UPDATE = update(collections).where(
    collections.c.id == bindparam("same_id"), collections.c.version == bindparam("same_version")
)
_DELETE = delete(collections).where(collections.c.id == bindparam("id"))
_BY_USER = collections.c.user_id == bindparam("user_id")
_OF_VISIBILITIES = collections.c.visibility.in_(bindparam("visibilities", expanding=True))
_NEWEST = paged_query(
    select(*(collections.c[name] for name in _COLLECTION.columns)).where(_BY_USER, _OF_VISIBILITIES),
    key=collections.c.created_at,
    id=collections.c.id,
    descending=True,
    counted=select(collections.c.id).where(_BY_USER, _OF_VISIBILITIES),
)
_COUNT_OF_USER = select(func.count()).select_from(collections).where(_BY_USER)

_ENTRY = collection_entries.c
_ENTRIES = (
    select(_ENTRY.mechanism_id)
    .where(_ENTRY.collection_id == bindparam("id"))
    .order_by(_ENTRY.position, _ENTRY.mechanism_id)
)
_AMONG = IsAmong(_ENTRY.collection_id, bindparam("ids", type_=IdList()))


@cache
def _first(parts: tuple[str, ...]) -> Select[Any]:
    """Returns the first mechanisms of collections that are in these parts of a list."""
    is_inside = or_(*(and_(true(), *PARTS[part]) for part in parts))
    inside = collection_entries.join(mechanisms, mechanisms.c.id == _ENTRY.mechanism_id)
    positions = (
        select(_ENTRY.collection_id, func.min(_ENTRY.position).label("position"))
        .select_from(inside)
        .where(_AMONG, is_inside)
        .group_by(_ENTRY.collection_id)
        .subquery()
    )
    is_first = and_(
        positions.c.collection_id == _ENTRY.collection_id, positions.c.position == _ENTRY.position
    )
    return select(_ENTRY.collection_id, _ENTRY.mechanism_id).join(positions, is_first)


_HOLDING = (
    select(_ENTRY.collection_id)
    .join(collections, collections.c.id == _ENTRY.collection_id)
    .where(_BY_USER, _ENTRY.mechanism_id == bindparam("mechanism_id"))
)
_INSERT_ENTRIES = insert(collection_entries)
_DELETE_ENTRIES = delete(collection_entries).where(_ENTRY.collection_id == bindparam("id"))


class SqlCollectionRepository(CollectionRepository):
    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def find_by_id(self, id: CollectionId) -> Collection | None:
        await self._statements.lock_row(collections.c.id, id)
        row = await self._statements.row(_BY_ID, {"id": id})
        return _COLLECTION.value(row) if row else None

    async def find_of_user(
        self, user_id: UserId, visibilities: Some[Visibility], request: PageRequest
    ) -> Page[Collection]:
        return await paged(
            self._statements,
            _NEWEST,
            request,
            value=_COLLECTION.value,
            position=lambda one: Position(key=one.created_at, id=one.id),
            parameters={"user_id": user_id, "visibilities": sorted(one.value for one in visibilities)},
        )

    async def count_of_user(self, user_id: UserId) -> int:
        await self._statements.advisory_lock(f"collections of {user_id}")
        return int((await self._statements.row(_COUNT_OF_USER, {"user_id": user_id}))[0])

    async def save(self, collection: Collection) -> Collection:
        saved = replace(collection, version=collection.version + 1)
        if collection.version == 0:
            try:
                await self._statements.change(_INSERT, _COLLECTION.values(saved))
            except UniqueViolated as problem:
                raise StaleVersion() from problem
            except ForeignKeyViolated as problem:
                raise UserNotFound() from problem
            return saved
        same = {"same_id": collection.id, "same_version": collection.version}
        if not await self._statements.change(_UPDATE, _COLLECTION.values(saved) | same):
            raise StaleVersion()
        return saved

    async def delete(self, id: CollectionId) -> None:
        await self._statements.change(_DELETE, {"id": id})


class SqlCollectionEntryRepository(CollectionEntryRepository):
    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def find_ids(self, id: CollectionId) -> Sequence[MechanismId]:
        return [MechanismId(one) for (one,) in await self._statements.rows(_ENTRIES, {"id": id})]

    async def find_first(
        self, ids: Sequence[CollectionId], scope: ListScope
    ) -> Sequence[tuple[CollectionId, MechanismId]]:
        given = {"ids": list(ids)} | ({"reader": scope.reader} if scope.reader else {})
        rows = await self._statements.rows(_first(parts_of(scope)), given)
        return [(CollectionId(id), MechanismId(first)) for id, first in rows]

    async def find_holding(self, user_id: UserId, mechanism_id: MechanismId) -> Sequence[CollectionId]:
        given = {"user_id": user_id, "mechanism_id": mechanism_id}
        return [CollectionId(id) for (id,) in await self._statements.rows(_HOLDING, given)]

    async def replace(self, id: CollectionId, mechanism_ids: Sequence[MechanismId]) -> None:
        await self._statements.change(_DELETE_ENTRIES, {"id": id})
        rows = [
            {"collection_id": id, "mechanism_id": one, "position": position}
            for position, one in enumerate(mechanism_ids)
        ]
        try:
            if rows:
                await self._statements.change(_INSERT_ENTRIES, rows)
        except ForeignKeyViolated as problem:
            raise MechanismNotFound() from problem
