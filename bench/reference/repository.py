"""Mechanisms in PostgreSQL, behind the cache of sections 3.2 and 4.2."""

from typing import Any

from redis.asyncio import Redis
from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from bench.reference.models import Mechanism, MechanismCategoryRow, MechanismRow


class CacheService:
    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def get_mechanism(self, mechanism_id: str) -> Mechanism | None:
        cached = await self._redis.get(f"mechanism:{mechanism_id}")
        return Mechanism.model_validate_json(cached) if cached else None

    async def set_mechanism(self, mechanism: Mechanism, expire: int = 3600) -> None:
        await self._redis.set(f"mechanism:{mechanism.id}", mechanism.model_dump_json(), ex=expire)


class PostgresMechanismRepository:
    def __init__(self, db_session: AsyncSession) -> None:
        self._session = db_session

    async def find_by_id(self, id: str) -> Mechanism | None:
        found = await self._session.get(MechanismRow, id, options=[selectinload(MechanismRow.category_rows)])
        return Mechanism.model_validate(found) if found else None

    async def save(self, mechanism: Mechanism) -> Mechanism:
        values = mechanism.model_dump(exclude={"categories"})
        rows = [MechanismCategoryRow(category_id=category) for category in mechanism.categories]
        self._session.add(MechanismRow(**values, category_rows=rows))
        await self._session.commit()
        return mechanism

    async def find_all(
        self, page: int, limit: int, category_ids: list[str] | None = None, user_id: str | None = None
    ) -> tuple[list[Mechanism], int]:
        """Returns a page, newest first, and the total."""
        wanted = _narrowed(select(MechanismRow), category_ids, user_id)
        newest = wanted.order_by(MechanismRow.created_at.desc()).offset((page - 1) * limit).limit(limit)
        found = await self._session.scalars(newest.options(selectinload(MechanismRow.category_rows)))
        counted = _narrowed(select(func.count()).select_from(MechanismRow), category_ids, user_id)
        total = await self._session.scalar(counted)
        return [Mechanism.model_validate(row) for row in found], total or 0


def _narrowed(wanted: Select[Any], category_ids: list[str] | None, user_id: str | None) -> Select[Any]:
    wanted = wanted.where(MechanismRow.is_published)
    if category_ids:
        wanted = wanted.where(
            MechanismRow.category_rows.any(MechanismCategoryRow.category_id.in_(category_ids))
        )
    return wanted.where(MechanismRow.user_id == user_id) if user_id else wanted
