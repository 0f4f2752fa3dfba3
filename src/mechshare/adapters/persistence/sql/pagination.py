"""Pages of rows, by offset or by the position at which the previous page ended."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from functools import cache
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Integer,
    Select,
    bindparam,
    func,
    literal_column,
    select,
    tuple_,
    union,
    union_all,
)

from mechshare.adapters.persistence.sql.dialects.dialect import Window
from mechshare.adapters.persistence.sql.dialects.executor import Parameters
from mechshare.adapters.persistence.sql.statements import Statements
from mechshare.domain.pagination import (
    DEFAULT_LIMIT,
    EXACT_TOTAL,
    MAX_LIMIT,
    Page,
    PageRequest,
    Position,
)

T = TypeVar("T")


_LIMIT: BindParameter[int] = bindparam("limit", type_=Integer())
_OFFSET: BindParameter[int] = bindparam("offset", type_=Integer())
_WINDOW = Window(literal_column(str(10 * (DEFAULT_LIMIT + 1))), _LIMIT)
"""Entries in the subquery from which a page, of any size, is taken: on PostgreSQL as many as ten pages of default size
have, of which it estimates that LIMIT takes one."""
_NEAR_ITEMS = 1_000
_NEAR_WINDOW = Window(literal_column(str(_NEAR_ITEMS + MAX_LIMIT + 1)), _LIMIT + _OFFSET)
"""Entries in the subquery from which a page with a small offset is taken."""


class _Start(Enum):
    """Where a page begins. This decides which statement reads it."""

    FIRST = auto()
    AFTER_POSITION = auto()
    NEAR = auto()
    """At most _NEAR_ITEMS from the beginning of the list."""
    FAR = auto()


@dataclass(frozen=True, slots=True)
class PagedQuery:
    """The statements of one kind of list, built once: one per kind of page beginning, and the count.

    `page` can add the count to each row, which saves a statement.
    """

    pages: Mapping[_Start, Select[Any]]
    counted: Select[Any]
    entries: Mapping[_Start, Select[Any]]
    """The statements that select only `key` and `id` of each row."""

    @property
    def of_positions(self) -> "PagedQuery":
        """The list of the places of the rows: columns `key` and `id`."""
        return replace(self, pages=self.entries)

    def page(self, request: PageRequest, *, is_counting: bool) -> Select[Any]:
        if request.after is not None:
            start = _Start.AFTER_POSITION
        elif request.offset > _NEAR_ITEMS:
            start = _Start.FAR
        else:
            start = _Start.NEAR if request.offset else _Start.FIRST
        rows = self.pages[start]
        return _with_count(rows, self.counted) if is_counting else rows


def paged_query(
    rows: Select[Any],
    *,
    key: ColumnElement[Any],
    id: ColumnElement[Any],
    descending: bool,
    counted: Select[Any],
    further: Sequence[Select[Any]] = (),
    are_disjoint: bool = True,
    counted_key: ColumnElement[Any] | None = None,
    counted_id: ColumnElement[Any] | None = None,
) -> PagedQuery:
    """Returns the statements for pages of `rows`, ordered by `key` and then `id`.

    `counted` selects only the `id` of the same rows. `counted_key` and `counted_id` are the columns of `counted` that
    correspond to `key` and `id`, if they differ. `further` select what the list has in addition to `counted`: each
    part is read in the order of its own index. If they `are_disjoint`, no row is in two of these parts.
    """
    entries = _Entries(
        parts=(counted, *further),
        key=key if counted_key is None else counted_key,
        id=id if counted_id is None else counted_id,
        descending=descending,
        are_disjoint=are_disjoint,
    )
    beginnings = entries.beginnings()
    ordered = rows.order_by(*entries.directed(key, id))
    return PagedQuery(
        pages={start: ordered.where(id == page.subquery().c.id) for start, page in beginnings.items()},
        counted=entries.count(),
        entries=beginnings,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entries:
    """The columns `key` and `id` of the rows of a list, which consists of `parts`: selects of the `id` alone.

    Skipped entries are read only from an index, while the rows of the page are fetched, too.
    """

    parts: Sequence[Select[Any]]
    key: ColumnElement[Any]
    id: ColumnElement[Any]
    descending: bool
    are_disjoint: bool

    def beginnings(self) -> Mapping[_Start, Select[Any]]:
        """Returns the statements for the entries of a page, by where it begins."""
        near = self._sorted(self._first(_NEAR_WINDOW)).limit(_WINDOW).offset(_OFFSET)
        return {
            _Start.FIRST: self._sorted(self._first(_WINDOW)).limit(_LIMIT),
            _Start.AFTER_POSITION: self._sorted(self._first(_WINDOW, self._beyond())).limit(_LIMIT),
            _Start.NEAR: self._sorted(near).limit(_LIMIT),
            # Replaces the limit of the whole; each of several parts keeps its own.
            _Start.FAR: self._first(_LIMIT + _OFFSET).limit(_LIMIT).offset(_OFFSET),
        }

    def count(self) -> Select[Any]:
        """Returns the statement that counts the entries, up to EXACT_TOTAL + 1."""
        bounded = [part.limit(EXACT_TOTAL + 1) for part in self.parts]
        counted = bounded[0] if self._is_whole else self._union(bounded).limit(EXACT_TOTAL + 1)
        return select(func.count()).select_from(counted.subquery())

    def directed(self, *columns: ColumnElement[Any]) -> Sequence[ColumnElement[Any]]:
        """Returns these columns in the direction of the list, for ORDER BY."""
        return [column.desc() if self.descending else column.asc() for column in columns]

    @property
    def _is_whole(self) -> bool:
        return len(self.parts) == 1

    def _first(self, most: ColumnElement[int], *conditions: ColumnElement[bool]) -> Select[Any]:
        """Returns the first `most` entries that meet the conditions, in order."""
        of_parts = [
            part.with_only_columns(self.key.label("key"), self.id.label("id"))
            .where(*conditions)
            .order_by(*self.directed(self.key, self.id))
            .limit(most)
            for part in self.parts
        ]
        return of_parts[0] if self._is_whole else self._sorted(self._union(of_parts)).limit(most)

    def _beyond(self) -> ColumnElement[bool]:
        """Returns the condition on an entry after the position at which the previous page ended."""
        position = tuple_(
            bindparam("after_key", type_=self.key.type), bindparam("after_id", type_=self.id.type)
        )
        entry = tuple_(self.key, self.id)
        return entry < position if self.descending else entry > position

    def _sorted(self, entries: Select[Any]) -> Select[Any]:
        found = entries.subquery()
        return select(found).order_by(*self.directed(found.c.key, found.c.id))

    def _union(self, parts: Sequence[Select[Any]]) -> Select[Any]:
        combined = union_all if self.are_disjoint else union
        return select(combined(*(select(part.subquery()) for part in parts)).subquery())


@cache
def _with_count(rows: Select[Any], counted: Select[Any]) -> Select[Any]:
    return rows.add_columns(counted.scalar_subquery())


async def paged(
    statements: Statements,
    listed: PagedQuery,
    request: PageRequest,
    *,
    value: Callable[[Any], T],
    position: Callable[[T], Position],
    parameters: Parameters | None = None,
) -> Page[T]:
    """Returns the page that `request` describes. `parameters` are those of the list's own conditions."""
    own = dict(parameters or {})
    window = {**own, "limit": request.limit + 1, "offset": request.offset}
    if request.after is not None:
        window |= {"after_key": request.after.key, "after_id": request.after.id}
    is_counting = request.counted is None
    found = await statements.rows(listed.page(request, is_counting=is_counting), window)
    if request.counted is not None:
        total = request.counted
    elif found:
        total = found[0][-1]
    elif request.after is None and request.offset == 0:
        total = 0
    else:  # a page beyond the end has no row to carry the count
        total = (await statements.row(listed.counted, own))[0]
    rows = (row[:-1] for row in found) if is_counting else iter(found)
    items = tuple(map(value, islice(rows, request.limit)))
    return Page(
        items=items,
        page=request.page,
        limit=request.limit,
        total=min(total, EXACT_TOTAL),
        total_is_exact=total <= EXACT_TOTAL,
        next=position(items[-1]) if next(rows, None) is not None else None,
    )
