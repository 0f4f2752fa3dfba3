"""Mechanisms in SQL."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from mechshare.adapters.persistence.sql.dialects import Sqlite
from mechshare.adapters.persistence.sql.paging import paged
from mechshare.adapters.persistence.sql.tables import mechanism_categories, mechanisms, users
from mechshare.domain.errors import CategoryNotFound, StaleVersion
from mechshare.domain.ids import CategoryId, MechanismId, UserId
from mechshare.domain.mechanisms import (
    Author,
    AuthoredMechanism,
    Mechanism,
    MechanismSort,
    OriginalFile,
    Processing,
    ProcessingState,
    sort_key,
)
from mechshare.domain.media import FailureCode, MediaFacts, MediaFormat, ProcessingFailure
from mechshare.domain.pages import Page, PageRequest, Position

_SORTS: dict[MechanismSort, tuple[ColumnElement[Any], bool]] = {
    MechanismSort.NEWEST: (mechanisms.c.created_at, True),
    MechanismSort.OLDEST: (mechanisms.c.created_at, False),
    MechanismSort.RECENTLY_CHANGED: (mechanisms.c.updated_at, True),
    MechanismSort.TITLE: (mechanisms.c.title, False),
}
_COLUMNS = tuple(column for column in mechanisms.c if column.name != "original_sha256")


class SqlMechanismRepository:
    def __init__(self, connection: AsyncConnection, dialect: Sqlite) -> None:
        self._connection = connection
        self._mechanisms = select(*_COLUMNS, dialect.category_ids.label("category_ids"))
        self._authored = select(
            *_COLUMNS, dialect.category_ids.label("category_ids"), users.c.username, users.c.display_name
        ).join(users, users.c.id == mechanisms.c.user_id)

    async def find_by_id(self, id: MechanismId) -> Mechanism | None:
        row = (await self._connection.execute(self._mechanisms.where(mechanisms.c.id == id))).one_or_none()
        return _mechanism(row) if row else None

    async def find_authored(self, ids: Sequence[MechanismId]) -> tuple[AuthoredMechanism, ...]:
        if not ids:
            return ()
        matching = mechanisms.c.id == ids[0] if len(ids) == 1 else mechanisms.c.id.in_(ids)
        rows = (await self._connection.execute(self._authored.where(matching))).all()
        found = {row.id: _authored(row) for row in rows}
        return tuple(found[id] for id in ids if id in found)

    async def find_all(
        self,
        request: PageRequest,
        *,
        sort: MechanismSort = MechanismSort.NEWEST,
        category_ids: Sequence[CategoryId] = (),
        user_id: UserId | None = None,
        published_only: bool = True,
    ) -> Page[AuthoredMechanism]:
        key, descending = _SORTS[sort]
        wanted = _conditions(category_ids, user_id, published_only)
        return await paged(
            self._connection,
            self._authored.where(*wanted),
            request,
            key=key,
            id=mechanisms.c.id,
            descending=descending,
            value=_authored,
            position=lambda item: Position(key=sort_key(item.mechanism, sort), id=item.mechanism.id),
            counted=select(mechanisms.c.id).where(*wanted),
        )

    async def find_by_original(self, user_id: UserId, sha256: str) -> Mechanism | None:
        oldest = (
            self._mechanisms.where(mechanisms.c.user_id == user_id, mechanisms.c.original_sha256 == sha256)
            .order_by(mechanisms.c.created_at, mechanisms.c.id)
            .limit(1)
        )
        row = (await self._connection.execute(oldest)).one_or_none()
        return _mechanism(row) if row else None

    async def save(self, mechanism: Mechanism) -> Mechanism:
        values = _values(mechanism)
        if mechanism.version == 0:
            await self._connection.execute(insert(mechanisms).values(values))
        else:
            same = (mechanisms.c.id == mechanism.id) & (mechanisms.c.version == mechanism.version)
            changed = await self._connection.execute(update(mechanisms).where(same).values(values))
            if changed.rowcount == 0:
                raise StaleVersion()
        await self._save_categories(mechanism)
        return replace(mechanism, version=mechanism.version + 1)

    async def delete(self, id: MechanismId, version: int) -> None:
        same = (mechanisms.c.id == id) & (mechanisms.c.version == version)
        deleted = await self._connection.execute(delete(mechanisms).where(same))
        if deleted.rowcount == 0:
            raise StaleVersion()

    async def _save_categories(self, mechanism: Mechanism) -> None:
        if mechanism.version > 0:
            mine = mechanism_categories.c.mechanism_id == mechanism.id
            await self._connection.execute(delete(mechanism_categories).where(mine))
        rows = [
            {"mechanism_id": mechanism.id, "category_id": category, "position": position}
            for position, category in enumerate(mechanism.categories)
        ]
        if not rows:
            return
        try:
            await self._connection.execute(insert(mechanism_categories), rows)
        except IntegrityError as problem:
            raise CategoryNotFound() from problem


def _conditions(
    category_ids: Sequence[CategoryId], user_id: UserId | None, published_only: bool
) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if published_only:
        conditions.append(mechanisms.c.is_published)
    if user_id is not None:
        conditions.append(mechanisms.c.user_id == user_id)
    if category_ids:
        inside: Select[Any] = select(mechanism_categories.c.mechanism_id).where(
            mechanism_categories.c.category_id.in_(category_ids)
        )
        conditions.append(mechanisms.c.id.in_(inside))
    return conditions


def _authored(row: Any) -> AuthoredMechanism:
    author = Author(id=UserId(row.user_id), username=row.username, display_name=row.display_name)
    return AuthoredMechanism(mechanism=_mechanism(row), author=author)


def _mechanism(row: Any) -> Mechanism:
    return Mechanism(
        id=MechanismId(row.id),
        title=row.title,
        description=row.description,
        user_id=UserId(row.user_id),
        file_url=row.file_url,
        thumbnail_url=row.thumbnail_url,
        preview_url=row.preview_url,
        duration=row.duration,
        created_at=row.created_at,
        updated_at=row.updated_at,
        is_published=row.is_published,
        categories=tuple(map(CategoryId, row.category_ids.split(","))) if row.category_ids else (),
        processing=Processing(state=ProcessingState(row.processing_state), failure=failure_from(row.failure)),
        media=MediaFacts(**row.media) if row.media else None,
        original=_original(row.original),
        withdrawn_reason=row.withdrawn_reason,
        version=row.version,
    )


def _original(kept: dict[str, Any] | None) -> OriginalFile | None:
    return OriginalFile(**{**kept, "format": MediaFormat(kept["format"])}) if kept else None


def failure_from(kept: dict[str, Any] | None) -> ProcessingFailure | None:
    return ProcessingFailure(code=FailureCode(kept["code"]), detail=kept["detail"]) if kept else None


def failure_kept(failure: ProcessingFailure | None) -> dict[str, Any] | None:
    return {"code": failure.code.value, "detail": failure.detail} if failure else None


def _values(mechanism: Mechanism) -> dict[str, Any]:
    """The columns of the mechanism's next version."""
    original = mechanism.original
    return {
        "id": mechanism.id,
        "user_id": mechanism.user_id,
        "title": mechanism.title,
        "description": mechanism.description,
        "file_url": mechanism.file_url,
        "thumbnail_url": mechanism.thumbnail_url,
        "preview_url": mechanism.preview_url,
        "duration": mechanism.duration,
        "created_at": mechanism.created_at,
        "updated_at": mechanism.updated_at,
        "is_published": mechanism.is_published,
        "withdrawn_reason": mechanism.withdrawn_reason,
        "processing_state": mechanism.processing.state.value,
        "failure": failure_kept(mechanism.processing.failure),
        "media": asdict(mechanism.media) if mechanism.media else None,
        "original": {**asdict(original), "format": original.format.value} if original else None,
        "original_sha256": original.sha256 if original else None,
        "version": mechanism.version + 1,
    }
