"""Bulk operations on mechanisms in SQL."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Executable, Integer, Select, bindparam, case, delete, exists, func, select, update

from mechshare.adapters.persistence.sql.dialects.dialect import IsAmong
from mechshare.adapters.persistence.sql.mechanisms.lists import mechanism_list
from mechshare.adapters.persistence.sql.pagination import paged
from mechshare.adapters.persistence.sql.statements import Statements
from mechshare.adapters.persistence.sql.tables import mechanism_categories, mechanisms
from mechshare.adapters.persistence.sql.types import NOTHING, IdList
from mechshare.domain.ids import CategoryId, MechanismId, UserId
from mechshare.domain.mechanism_filters import EVERY_MECHANISM, MechanismFilter
from mechshare.domain.mechanism_sorts import MechanismSort
from mechshare.domain.pagination import Page, PageRequest, Position
from mechshare.domain.visibility import PUBLIC_SCOPE, Visibility
from mechshare.ports.persistence.mechanisms import MechanismBulkRepository

_OF_USER = select(mechanisms.c.id).where(mechanisms.c.user_id == bindparam("owner"))
_OF_CATEGORY = select(mechanism_categories.c.mechanism_id).where(
    mechanism_categories.c.category_id == bindparam("owner")
)
_ARE_AMONG = IsAmong(mechanisms.c.id, bindparam("ids", type_=IdList()))
# Locks in the order of the identifiers, so that two transactions never deadlock on the same rows.
_IN_ORDER = select(mechanisms.c.id).where(_ARE_AMONG).order_by(mechanisms.c.id)
_LOCK = _IN_ORDER.with_for_update(key_share=True)
_LOCK_TO_DELETE = _IN_ORDER.with_for_update()
_RENEW = update(mechanisms).where(_ARE_AMONG).values(version=mechanisms.c.version + 1)
_AT = bindparam("now", type_=mechanisms.c.updated_at.type)
_RENEWED = {"updated_at": _AT, "version": mechanisms.c.version + 1}
_WITHDRAW = (
    update(mechanisms)
    .where(_ARE_AMONG, mechanisms.c.is_public | mechanisms.c.is_restricted)
    .values(is_public=False, is_restricted=False, withdrawn_reason=bindparam("reason"), **_RENEWED)
    .returning(mechanisms.c.id)
)
_FOR_EVERYBODY = mechanisms.c.visibility == Visibility.PUBLIC.value
_REINSTATE = (
    update(mechanisms)
    .where(_ARE_AMONG, mechanisms.c.withdrawn_reason == bindparam("reason"))
    .values(
        is_public=_FOR_EVERYBODY,
        is_restricted=~_FOR_EVERYBODY,
        withdrawn_reason=None,
        published_at=case(
            (_FOR_EVERYBODY & ~mechanisms.c.has_been_public, _AT),
            else_=func.coalesce(mechanisms.c.published_at, _AT),
        ),
        has_been_public=mechanisms.c.has_been_public | _FOR_EVERYBODY,
        **_RENEWED,
    )
    .returning(mechanisms.c.id)
)
_SHOW_IN_CATEGORIES = (
    update(mechanism_categories)
    .where(IsAmong(mechanism_categories.c.mechanism_id, bindparam("ids", type_=IdList())))
    .values(
        {
            own: select(column)
            .where(mechanisms.c.id == mechanism_categories.c.mechanism_id)
            .scalar_subquery()
            for own, column in (
                ("is_published", mechanisms.c.is_public),
                ("published_at", mechanisms.c.published_at),
            )
        }
    )
)
_IS_IN_SOURCE = (
    IsAmong(mechanism_categories.c.mechanism_id, bindparam("ids", type_=IdList())),
    mechanism_categories.c.category_id == bindparam("source"),
)
_target = mechanism_categories.alias("target")
_LEAVE_SOURCE = delete(mechanism_categories).where(
    *_IS_IN_SOURCE,
    exists().where(
        _target.c.mechanism_id == mechanism_categories.c.mechanism_id,
        _target.c.category_id == bindparam("target"),
    ),
)
_MOVE = update(mechanism_categories).where(*_IS_IN_SOURCE).values(category_id=bindparam("target"))
_DELETE = delete(mechanisms).where(_ARE_AMONG).returning(mechanisms.c.id)


def _next(owned: Select[Any]) -> Select[Any]:
    (id,) = owned.selected_columns
    after, limit = bindparam("after", type_=mechanisms.c.id.type), bindparam("limit", type_=Integer())
    return owned.where(id > after).order_by(id).limit(limit)


_NEXT_OF_USER = _next(_OF_USER)
_NEXT_OF_CATEGORY = _next(_OF_CATEGORY)


class SqlMechanismBulkRepository(MechanismBulkRepository):
    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def find_public(
        self, request: PageRequest, filter: MechanismFilter = EVERY_MECHANISM, *, sort: MechanismSort
    ) -> Page[MechanismId]:
        listed, parameters = mechanism_list(sort, filter, PUBLIC_SCOPE)
        page = await paged(
            self._statements,
            listed.of_positions,
            request,
            value=lambda row: Position(key=row[0], id=row[1]),
            position=lambda position: position,
            parameters=parameters,
        )
        return page.with_items(tuple(MechanismId(position.id) for position in page.items))

    async def find(
        self,
        *,
        limit: int,
        user_id: UserId | None = None,
        category_id: CategoryId | None = None,
        after: MechanismId | None = None,
    ) -> Sequence[MechanismId]:
        found, owner = (_NEXT_OF_CATEGORY, category_id) if user_id is None else (_NEXT_OF_USER, user_id)
        chosen = {"owner": owner, "after": after or NOTHING, "limit": limit}
        return [id for (id,) in await self._statements.rows(found, chosen)]

    async def renew(self, ids: Sequence[MechanismId]) -> None:
        await self._statements.rows(_LOCK, {"ids": ids})
        await self._statements.change(_RENEW, {"ids": ids})

    async def move(self, ids: Sequence[MechanismId], source: CategoryId, target: CategoryId) -> None:
        await self.renew(ids)
        moved = {"ids": ids, "source": source, "target": target}
        await self._statements.change(_LEAVE_SOURCE, moved)
        await self._statements.change(_MOVE, moved)

    async def withdraw(self, ids: Sequence[MechanismId], reason: str, now: datetime) -> Sequence[MechanismId]:
        return await self._show(_WITHDRAW, ids, reason, now)

    async def reinstate(
        self, ids: Sequence[MechanismId], reason: str, now: datetime
    ) -> Sequence[MechanismId]:
        return await self._show(_REINSTATE, ids, reason, now)

    async def _show(
        self, change: Executable, ids: Sequence[MechanismId], reason: str, now: datetime
    ) -> list[MechanismId]:
        await self._statements.rows(_LOCK, {"ids": ids})
        rows = await self._statements.rows(change, {"ids": ids, "reason": reason, "now": now})
        changed = [id for (id,) in rows]
        await self._statements.change(_SHOW_IN_CATEGORIES, {"ids": changed})
        return changed

    async def delete(self, ids: Sequence[MechanismId]) -> Sequence[MechanismId]:
        await self._statements.rows(_LOCK_TO_DELETE, {"ids": ids})
        return [id for (id,) in await self._statements.rows(_DELETE, {"ids": ids})]
