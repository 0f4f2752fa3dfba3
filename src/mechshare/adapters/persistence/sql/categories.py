"""Categories in SQL."""

from dataclasses import replace
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from mechshare.adapters.persistence.sql.errors import unique
from mechshare.adapters.persistence.sql.tables import categories, mechanism_categories, mechanisms
from mechshare.domain.categories import Category, CategoryCount
from mechshare.domain.errors import CategoryInUse, StaleVersion
from mechshare.domain.ids import CategoryId


class SqlCategoryRepository:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def find_by_id(self, id: CategoryId) -> Category | None:
        row = (await self._connection.execute(select(categories).where(categories.c.id == id))).one_or_none()
        return _category(row) if row else None

    async def find_all(self) -> tuple[CategoryCount, ...]:
        counts = (
            select(mechanism_categories.c.category_id, func.count().label("mechanism_count"))
            .join(mechanisms, mechanisms.c.id == mechanism_categories.c.mechanism_id)
            .where(mechanisms.c.is_published)
            .group_by(mechanism_categories.c.category_id)
            .subquery()
        )
        wanted = (
            select(categories, func.coalesce(counts.c.mechanism_count, 0).label("mechanism_count"))
            .outerjoin(counts, counts.c.category_id == categories.c.id)
            .order_by(categories.c.created_at, categories.c.id)
        )
        rows = (await self._connection.execute(wanted)).all()
        return tuple(
            CategoryCount(category=_category(row), mechanism_count=row.mechanism_count) for row in rows
        )

    async def save(self, category: Category) -> Category:
        saved = replace(category, version=category.version + 1)
        values = {name: getattr(saved, name) for name in categories.c.keys()}  # noqa: SIM118  columns, not a dict
        with unique(id=category.id):
            if category.version == 0:
                await self._connection.execute(insert(categories).values(values))
                return saved
            same = (categories.c.id == category.id) & (categories.c.version == category.version)
            changed = await self._connection.execute(update(categories).where(same).values(values))
        if changed.rowcount == 0:
            raise StaleVersion()
        return saved

    async def delete(self, id: CategoryId) -> None:
        inside = select(func.count()).where(mechanism_categories.c.category_id == id)
        count = (await self._connection.execute(inside)).scalar_one()
        if count:
            raise CategoryInUse(count=count)
        await self._connection.execute(delete(categories).where(categories.c.id == id))


def _category(row: Any) -> Category:
    return Category(
        id=CategoryId(row.id),
        name_en=row.name_en,
        name_ja=row.name_ja,
        created_at=row.created_at,
        updated_at=row.updated_at,
        version=row.version,
    )
