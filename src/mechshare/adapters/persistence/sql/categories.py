"""Categories in SQL."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import (
    BindParameter,
    Column,
    ForeignKey,
    Index,
    Select,
    String,
    Table,
    bindparam,
    delete,
    distinct,
    func,
    insert,
    or_,
    select,
    text,
    union_all,
    update,
)

from mechshare.adapters.persistence.sql.errors import UniqueViolated
from mechshare.adapters.persistence.sql.mechanisms.lists import PARTS
from mechshare.adapters.persistence.sql.records import record_of
from mechshare.adapters.persistence.sql.statements import Statements
from mechshare.adapters.persistence.sql.tables import categories, mechanism_categories, mechanisms, metadata
from mechshare.adapters.persistence.sql.types import UtcTime, ordered_text
from mechshare.domain.categories import Category, CategoryCount, CategoryRedirect
from mechshare.domain.errors import CategoryInUse, NameTaken, StaleVersion
from mechshare.domain.ids import CategoryId, UserId
from mechshare.ports.persistence.categories import CategoryRedirectRepository, CategoryRepository

category_redirects = Table(
    "category_redirects",
    metadata,
    Column("id", ordered_text(40), primary_key=True),
    Column("target_id", ordered_text(40), ForeignKey("categories.id", ondelete="CASCADE"), nullable=False),
    Column("name_en", String(80), nullable=False),
    Column("name_ja", String(80), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Index("ix_category_redirects_target", "target_id"),
)

_CATEGORY = record_of(Category, categories)
_REDIRECT = record_of(CategoryRedirect, category_redirects)
_BY_ID = select(categories).where(categories.c.id == bindparam("id"))
_IS_PUBLISHED = text("mechanism_categories.is_published")  # literally the condition of the partial index
_PUBLISHED_IN_IT = (
    select(func.count())
    .where(mechanism_categories.c.category_id == categories.c.id, _IS_PUBLISHED)
    .correlate(categories)
    .scalar_subquery()
)
_ALL = select(categories).order_by(categories.c.created_at, categories.c.id)
_COUNTED = _ALL.add_columns(_PUBLISHED_IN_IT)
_AMONG_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_PUBLISHED_IN_ANY = select(func.count(distinct(mechanism_categories.c.mechanism_id))).where(
    mechanism_categories.c.category_id.in_(_AMONG_IDS), _IS_PUBLISHED
)
_MEMBER = categories.alias("member")


def _by_family(*parts: str) -> Select[Any]:
    """Returns the numbers of mechanisms in these parts of a list, by category with its children."""
    listed = union_all(*(select(mechanisms.c.id).where(*PARTS[part]) for part in parts)).subquery("listed")
    is_in_family = or_(_MEMBER.c.id == categories.c.id, _MEMBER.c.parent_id == categories.c.id)
    placed = (
        categories.join(_MEMBER, is_in_family)
        .join(mechanism_categories, mechanism_categories.c.category_id == _MEMBER.c.id)
        .join(listed, listed.c.id == mechanism_categories.c.mechanism_id)
    )
    counted = func.count(distinct(mechanism_categories.c.mechanism_id))
    return select(categories.c.id, counted).select_from(placed).group_by(categories.c.id)


_INTERNAL = _by_family("internal")
_PRIVATE = _by_family("own", "shared")
_CHILDREN = _ALL.where(categories.c.parent_id.in_(_AMONG_IDS))
_REDIRECTS = select(category_redirects).order_by(category_redirects.c.id)
_REDIRECTS_FROM = _REDIRECTS.where(category_redirects.c.id.in_(_AMONG_IDS))
_INSERT_REDIRECT = insert(category_redirects)
_FOLLOW_REDIRECT = (
    update(category_redirects)
    .where(category_redirects.c.target_id == bindparam("former_id"))
    .values(target_id=bindparam("new_target_id"))
)
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
        counts = {_CATEGORY.value(row[:-1]): row[-1] for row in await self._statements.rows(_COUNTED)}
        for parent in {one.parent_id for one in counts if one.parent_id}:
            family = [one.id for one in counts if parent in (one.id, one.parent_id)]
            row = await self._statements.row(_PUBLISHED_IN_ANY, {"ids": family})
            counts.update({one: row[0] for one in counts if one.id == parent})
        return tuple(CategoryCount(category=one, mechanism_count=count) for one, count in counts.items())

    async def count_restricted(self, reader: UserId | None = None) -> Mapping[CategoryId, int]:
        statement, given = (_PRIVATE, {"reader": reader}) if reader else (_INTERNAL, {})
        return dict(map(tuple, await self._statements.rows(statement, given)))

    async def find_children(self, ids: Sequence[CategoryId]) -> tuple[Category, ...]:
        rows = await self._statements.rows(_CHILDREN, {"ids": ids}) if ids else ()
        return tuple(map(_CATEGORY.value, rows))

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


class SqlCategoryRedirectRepository(CategoryRedirectRepository):
    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def find(self, ids: Sequence[CategoryId]) -> tuple[CategoryRedirect, ...]:
        rows = await self._statements.rows(_REDIRECTS_FROM, {"ids": ids}) if ids else ()
        return tuple(map(_REDIRECT.value, rows))

    async def find_all(self) -> tuple[CategoryRedirect, ...]:
        return tuple(map(_REDIRECT.value, await self._statements.rows(_REDIRECTS)))

    async def add(self, redirect: CategoryRedirect) -> None:
        followed = {"former_id": redirect.id, "new_target_id": redirect.target_id}
        await self._statements.change(_FOLLOW_REDIRECT, followed)
        await self._statements.change(_INSERT_REDIRECT, _REDIRECT.values(redirect))
