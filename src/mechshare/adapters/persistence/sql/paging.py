"""Pages of rows, by offset or by the place where the page before ended."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, bindparam, func, select, tuple_

from mechshare.adapters.persistence.sql.statements import Parameters, Statements
from mechshare.domain.pages import EXACT_TOTAL, Page, PageRequest, Position

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Listing:
    """The statements behind one kind of list, built once: its pages by offset, by place and by offset from a place, and
    its count.

    A page's rows may end with that count, which spares a statement.
    """

    by_offset: Select[Any]
    by_place: Select[Any]
    by_offset_from_place: Select[Any]
    counted: Select[Any]

    def page(self, request: PageRequest, *, is_counting: bool) -> Select[Any]:
        by_place = self.by_offset_from_place if request.skip else self.by_place
        rows = self.by_offset if request.after is None else by_place
        return _with_count(rows, self.counted) if is_counting else rows


def listing(
    rows: Select[Any],
    *,
    key: ColumnElement[Any],
    id: ColumnElement[Any],
    descending: bool,
    counted: Select[Any],
) -> Listing:
    """Of `rows`, ordered by `key` and then `id`; `counted` selects the `id` of the same rows and nothing else."""
    order = (key.desc(), id.desc()) if descending else (key, id)
    ordered = rows.order_by(*order)
    place = tuple_(bindparam("after_key", type_=key.type), bindparam("after_id", type_=id.type))
    beyond = tuple_(key, id) < place if descending else tuple_(key, id) > place

    def by_offset(counted: Select[Any]) -> Select[Any]:
        # What is passed over is looked at in the index alone; only then are the rows of the page fetched.
        passed = counted.order_by(*order).limit(bindparam("limit")).offset(bindparam("offset")).subquery()
        return ordered.where(id == passed.c[0])

    # Counting stops one beyond EXACT_TOTAL.
    bounded = counted.limit(EXACT_TOTAL + 1).subquery()
    return Listing(
        by_offset=by_offset(counted),
        by_place=ordered.where(beyond).limit(bindparam("limit")),
        by_offset_from_place=by_offset(counted.where(beyond)),
        counted=select(func.count()).select_from(bounded),
    )


@cache
def _with_count(rows: Select[Any], counted: Select[Any]) -> Select[Any]:
    return rows.add_columns(counted.scalar_subquery())


async def paged(
    statements: Statements,
    listed: Listing,
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
    items = tuple(map(value, islice(rows, request.limit)))
    return Page(
        items=items,
        page=request.page,
        limit=request.limit,
        total=min(total, EXACT_TOTAL),
        total_is_exact=total <= EXACT_TOTAL,
        next=position(items[-1]) if len(found) > request.limit else None,
    )
