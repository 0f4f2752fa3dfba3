"""Categories in SQL."""

from dataclasses import replace

from sqlalchemy import bindparam, delete, func, insert, select, text, update

from mechshare.adapters.persistence.sql.errors import UniqueViolated
from mechshare.adapters.persistence.sql.records import record_of
from mechshare.adapters.persistence.sql.statements import Statements
from mechshare.adapters.persistence.sql.tables import categories, mechanism_categories
from mechshare.domain.categories import Category, CategoryCount
from mechshare.domain.errors import CategoryInUse, NameTaken, StaleVersion
from mechshare.domain.ids import CategoryId
from mechshare.ports.persistence.categories import CategoryRepository

_CATEGORY = record_of(Category, categories)
_BY_ID = select(categories).where(categories.c.id == bindparam("id"))
_PUBLISHED_IN_IT = (
    select(func.count())
    .where(
        mechanism_categories.c.category_id == categories.c.id,
        text("mechanism_categories.is_published"),  # literally the condition of the partial index
    )
    .correlate(categories)
    .scalar_subquery()
)
_ALL = select(categories).order_by(categories.c.created_at, categories.c.id)
_COUNTED = _ALL.add_columns(_PUBLISHED_IN_IT)
_IN_USE = select(func.count()).where(mechanism_categories.c.category_id == bindparam("id"))
_INSERT = insert(categories)
_UPDATE = update(categories).where(
    categories.c.id == bindparam("same_id"), categories.c.version == bindparam("same_version")
)
_DELETE = delete(categories).where(categories.c.id == bindparam("id"))


class SqlCategoryRepository(CategoryRepository):
    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def find_by_id(self, id: CategoryId) -> Category | None:
        # The weaker lock: writing a mechanism in this category need not wait for a rename. `delete` takes the stronger.
        await self._statements.lock_row(categories.c.id, id, may_be_deleted=False)
        row = await self._statements.row(_BY_ID, {"id": id})
        return _CATEGORY.value(row) if row else None

    async def find_all(self) -> tuple[Category, ...]:
        await self._statements.advisory_lock("categories")
        return tuple(map(_CATEGORY.value, await self._statements.rows(_ALL)))

    async def find_counts(self) -> tuple[CategoryCount, ...]:
        await self._statements.advisory_lock("categories")
        rows = await self._statements.rows(_COUNTED)
        return tuple(
            CategoryCount(category=_CATEGORY.value(row[:-1]), mechanism_count=row[-1]) for row in rows
        )

    async def save(self, category: Category) -> Category:
        saved = replace(category, version=category.version + 1)
        values = _CATEGORY.values(saved)
        if category.version == 0:
            try:
                await self._statements.change(_INSERT, values)
            except UniqueViolated as problem:
                raise NameTaken(field="id", value=category.id) from problem
            return saved
        same = {"same_id": category.id, "same_version": category.version}
        if not await self._statements.change(_UPDATE, values | same):
            raise StaleVersion()
        return saved

    async def delete(self, id: CategoryId) -> None:
        await self._statements.lock_row(categories.c.id, id)
        count = (await self._statements.row(_IN_USE, {"id": id}))[0]
        if count:
            raise CategoryInUse(count=count)
        await self._statements.change(_DELETE, {"id": id})
