"""Pages of rows, by offset or by the place where the page before ended."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from functools import cache
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Select,
    bindparam,
    func,
    literal_column,
    or_,
    select,
    tuple_,
)

from mechshare.adapters.persistence.sql.statements import Parameters, Statements
from mechshare.domain.pagination import (
    DEFAULT_LIMIT,
    EXACT_TOTAL,
    MAX_LIMIT,
    MAX_SKIP,
    Page,
    PageRequest,
    Position,
)

T = TypeVar("T")


_WINDOW: ColumnElement[int] = literal_column(str(10 * (DEFAULT_LIMIT + 1)))
"""Entries among which a page, the largest one too, is looked for where it begins.

PostgreSQL takes a LIMIT that is a parameter for a tenth of the rows. A tenth of this window is a usual page, so that it
sees no use in planning the statement anew for each number: that takes it as long as finding the page does.
"""
_NEAR: ColumnElement[int] = literal_column(str(MAX_SKIP + MAX_LIMIT + 1))
"""Entries among which a page that passes over little is looked for, to the same end."""


class _Passed(Enum):
    """What lies between where a page is looked for from and where it begins."""

    NOTHING = auto()
    LITTLE = auto()
    """MAX_SKIP items at most."""
    MUCH = auto()
    LANDMARK = auto()
    """Items, one of which lies before a place that is to be told."""


@dataclass(frozen=True, slots=True)
class PagedQuery:
    """The statements behind one kind of list, built once: its pages, by whether they are looked for from a place on,
    and what they pass over; and its count.

    A page's rows may end with that count, which spares a statement.
    """

    pages: Mapping[tuple[bool, _Passed], Select[Any]]
    counted: Select[Any]

    def page(self, request: PageRequest, *, is_counting: bool) -> Select[Any]:
        if request.landmark is not None:
            passed = _Passed.LANDMARK
        elif request.offset > MAX_SKIP:
            passed = _Passed.MUCH
        else:
            passed = _Passed.LITTLE if request.offset else _Passed.NOTHING
        rows = self.pages[request.after is not None, passed]
        return _with_count(rows, self.counted) if is_counting else rows


def paged_query(
    rows: Select[Any],
    *,
    key: ColumnElement[Any],
    id: ColumnElement[Any],
    descending: bool,
    counted: Select[Any],
    counted_key: ColumnElement[Any] | None = None,
    counted_id: ColumnElement[Any] | None = None,
) -> PagedQuery:
    """Of `rows`, ordered by `key` and then `id`; `counted` selects the `id` of the same rows and nothing else. What
    `key` and `id` are called in `counted` is `counted_key` and `counted_id`, if that is something else."""
    entry_key = key if counted_key is None else counted_key
    entry_id = id if counted_id is None else counted_id
    limit: BindParameter[int] = bindparam("limit")
    offset: BindParameter[int] = bindparam("offset")
    place = tuple_(bindparam("after_key", type_=key.type), bindparam("after_id", type_=id.type))
    entry = tuple_(entry_key, entry_id)
    beyond = entry < place if descending else entry > place

    def in_order(*columns: ColumnElement[Any]) -> list[ColumnElement[Any]]:
        return [column.desc() if descending else column.asc() for column in columns]

    def among(entries: Select[Any]) -> Select[Any]:
        found = entries.subquery()
        return select(found).order_by(*in_order(found.c.key, found.c.id))

    def with_landmark(entries: Select[Any]) -> Select[Any]:
        # The landmark is the first of the rows.
        found = entries.limit(limit).offset(offset).subquery()
        number = func.row_number().over(order_by=in_order(found.c.key, found.c.id))
        numbered = select(found.c.id, number.label("number")).subquery()
        is_wanted = or_(numbered.c.number == 1, numbered.c.number > bindparam("beyond"))
        return select(numbered.c.id).where(is_wanted)

    # What is passed over is looked at in the index alone; only then are the rows of the page fetched.
    entries = counted.with_only_columns(entry_key.label("key"), entry_id.label("id"))
    entries = entries.order_by(*in_order(entry_key, entry_id))
    found = {(False, _Passed.MUCH): entries.limit(limit).offset(offset)}
    for is_placed, from_there in ((False, entries), (True, entries.where(beyond))):
        near = among(from_there.limit(_NEAR))
        found[is_placed, _Passed.NOTHING] = among(from_there.limit(_WINDOW)).limit(limit)
        found[is_placed, _Passed.LITTLE] = among(near.limit(_WINDOW).offset(offset)).limit(limit)
        found[is_placed, _Passed.LANDMARK] = with_landmark(from_there)
    ordered = rows.order_by(*in_order(key, id))
    # Counting stops one beyond EXACT_TOTAL.
    bounded = counted.limit(EXACT_TOTAL + 1).subquery()
    return PagedQuery(
        pages={kind: ordered.where(id == found[kind].subquery().c.id) for kind in found},
        counted=select(func.count()).select_from(bounded),
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
    """The page that `request` asks for; `parameters` are those of the listing's own conditions."""
    own = dict(parameters or {})
    window = {**own, "limit": request.limit + 1, "offset": request.offset}
    if request.after is not None:
        window |= {"after_key": request.after.key, "after_id": request.after.id}
    if request.landmark is not None:
        beyond = request.offset - request.landmark + 1
        window |= {"limit": beyond + request.limit + 1, "offset": request.landmark - 1, "beyond": beyond}
    is_counting = request.counted is None
    found = await statements.rows(listed.page(request, is_counting=is_counting), window)
    if request.counted is not None:
        total = request.counted
    elif found:
        total = found[0][-1]
    elif request.after is None and request.offset == 0:
        total = 0
    else:  # a page beyond the end has no row that could tell
        total = (await statements.row(listed.counted, own))[0]
    rows = (row[:-1] for row in found) if is_counting else iter(found)
    landmark = next(map(value, rows), None) if request.landmark is not None else None
    items = tuple(map(value, islice(rows, request.limit)))
    return Page(
        items=items,
        page=request.page,
        limit=request.limit,
        total=min(total, EXACT_TOTAL),
        total_is_exact=total <= EXACT_TOTAL,
        next=position(items[-1]) if next(rows, None) is not None else None,
        landmark=position(landmark) if landmark is not None else None,
    )
