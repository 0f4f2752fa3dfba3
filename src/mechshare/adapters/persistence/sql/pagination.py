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
    entry_key = key if counted_key is None else counted_key
    entry_id = id if counted_id is None else counted_id
    place = tuple_(bindparam("after_key", type_=key.type), bindparam("after_id", type_=id.type))
    entry = tuple_(entry_key, entry_id)
    beyond = entry < place if descending else entry > place

    def in_order(*columns: ColumnElement[Any]) -> list[ColumnElement[Any]]:
        return [column.desc() if descending else column.asc() for column in columns]

    def among(entries: Select[Any]) -> Select[Any]:
        found = entries.subquery()
        return select(found).order_by(*in_order(found.c.key, found.c.id))

    def together(parts: Sequence[Select[Any]]) -> Select[Any]:
        combined = union_all if are_disjoint else union
        return select(combined(*(select(part.subquery()) for part in parts)).subquery())

    # Skipped entries are read only from the index; the rows of the page are fetched.
    entries = [
        part.with_only_columns(entry_key.label("key"), entry_id.label("id")) for part in (counted, *further)
    ]

    def first(most: ColumnElement[int], *conditions: ColumnElement[bool]) -> Select[Any]:
        in_parts = [
            part.where(*conditions).order_by(*in_order(entry_key, entry_id)).limit(most) for part in entries
        ]
        return among(together(in_parts)).limit(most) if further else in_parts[0]

    found = {
        _Start.FIRST: among(first(_WINDOW)).limit(_LIMIT),
        _Start.AFTER_POSITION: among(first(_WINDOW, beyond)).limit(_LIMIT),
        _Start.NEAR: among(among(first(_NEAR_WINDOW)).limit(_WINDOW).offset(_OFFSET)).limit(_LIMIT),
        _Start.FAR: among(first(_LIMIT + _OFFSET)).limit(_LIMIT).offset(_OFFSET)
        if further
        else entries[0].order_by(*in_order(entry_key, entry_id)).limit(_LIMIT).offset(_OFFSET),
    }
    ordered = rows.order_by(*in_order(key, id))
    # Counting stops at EXACT_TOTAL + 1.
    bounded = [part.limit(EXACT_TOTAL + 1) for part in (counted, *further)]
    all_counted = (together(bounded).limit(EXACT_TOTAL + 1) if further else bounded[0]).subquery()
    return PagedQuery(
        pages={start: ordered.where(id == ids.subquery().c.id) for start, ids in found.items()},
        counted=select(func.count()).select_from(all_counted),
        entries=found,
    )


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
