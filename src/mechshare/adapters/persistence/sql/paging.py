"""Pages of rows, by offset or by the place where the page before ended."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, bindparam, func, select, tuple_

from mechshare.adapters.persistence.sql.statements import Parameters, Statements
from mechshare.domain.pages import EXACT_TOTAL, Page, PageRequest, Position

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Listing:
    """The statements behind one kind of list, built once: its pages by offset, its pages by place, its count."""

    by_offset: Select[Any]
    by_place: Select[Any]
    counted: Select[Any]


def listing(
    rows: Select[Any],
    *,
    key: ColumnElement[Any],
    id: ColumnElement[Any],
    descending: bool,
    counted: Select[Any],
) -> Listing:
    """Of `rows`, ordered by `key` and then `id`; `counted` selects the same rows, for counting alone."""
    ordered = rows.order_by(key.desc(), id.desc()) if descending else rows.order_by(key, id)
    limited = ordered.limit(bindparam("limit"))
    place = tuple_(bindparam("after_key", type_=key.type), bindparam("after_id", type_=id.type))
    # Counting stops one beyond EXACT_TOTAL.
    bounded = counted.limit(EXACT_TOTAL + 1).subquery()
    return Listing(
        by_offset=limited.offset(bindparam("offset")),
        by_place=limited.where(tuple_(key, id) < place if descending else tuple_(key, id) > place),
        counted=select(func.count()).select_from(bounded),
    )


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
    window = {**own, "limit": request.limit + 1}
    if request.after is None:
        found = await statements.rows(listed.by_offset, {**window, "offset": request.offset})
    else:
        place = {"after_key": request.after.key, "after_id": request.after.id}
        found = await statements.rows(listed.by_place, {**window, **place})
    items = tuple(map(value, found[: request.limit]))
    has_more = len(found) > request.limit
    if request.after is None and not has_more and (items or request.offset == 0):
        total = request.offset + len(items)  # the last page tells how many there are
    else:
        total = (await statements.row(listed.counted, own))[0]
    return Page(
        items=items,
        page=request.page,
        limit=request.limit,
        total=min(total, EXACT_TOTAL),
        total_is_exact=total <= EXACT_TOTAL,
        next=position(items[-1]) if has_more else None,
    )
