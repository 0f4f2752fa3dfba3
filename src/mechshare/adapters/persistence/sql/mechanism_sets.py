"""Many mechanisms at a time in SQL."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Executable, Integer, Select, bindparam, delete, select, update

from mechshare.adapters.persistence.sql.statements import Statements
from mechshare.adapters.persistence.sql.tables import mechanism_categories, mechanisms
from mechshare.adapters.persistence.sql.types import NOTHING
from mechshare.domain.ids import CategoryId, MechanismId, UserId

_LIMIT = bindparam("limit", type_=Integer())
_AFTER = bindparam("after", type_=mechanisms.c.id.type)
_OF_USER = select(mechanisms.c.id).where(mechanisms.c.user_id == bindparam("of_user"))
_OF_CATEGORY = select(mechanism_categories.c.mechanism_id).where(
    mechanism_categories.c.category_id == bindparam("of_category")
)
_DELETE = (
    delete(mechanisms)
    .where(mechanisms.c.id.in_(_OF_USER.limit(_LIMIT)))
    .returning(mechanisms.c.id, mechanisms.c.original_key)
)


def _renew(owned: Select[Any]) -> Executable:
    """Held in the order of their identifiers: two that renew some of the same don't wait for each other for ever."""
    (id,) = owned.selected_columns
    chosen = owned.where(id > _AFTER).order_by(id).limit(_LIMIT).scalar_subquery()
    held = select(mechanisms.c.id).where(mechanisms.c.id.in_(chosen)).order_by(mechanisms.c.id)
    return (
        update(mechanisms)
        .where(mechanisms.c.id.in_(held.with_for_update(key_share=True).scalar_subquery()))
        .values(version=mechanisms.c.version + 1)
        .returning(mechanisms.c.id)
    )


_RENEW_OF_USER = _renew(_OF_USER)
_RENEW_OF_CATEGORY = _renew(_OF_CATEGORY)


class SqlMechanismSets:
    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def renew(
        self,
        *,
        limit: int,
        user_id: UserId | None = None,
        category_id: CategoryId | None = None,
        after: MechanismId | None = None,
    ) -> Sequence[MechanismId]:
        next_ones = {"after": after or NOTHING, "limit": limit}
        if user_id is not None:
            rows = await self._statements.rows(_RENEW_OF_USER, {"of_user": user_id, **next_ones})
        else:
            rows = await self._statements.rows(_RENEW_OF_CATEGORY, {"of_category": category_id, **next_ones})
        return sorted(row.id for row in rows)

    async def delete(self, user_id: UserId, *, limit: int) -> Mapping[MechanismId, str | None]:
        rows = await self._statements.rows(_DELETE, {"of_user": user_id, "limit": limit})
        return {row.id: row.original_key for row in rows}
