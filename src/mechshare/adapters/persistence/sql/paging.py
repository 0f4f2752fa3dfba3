"""Pages of rows, by offset or by the place where the page before ended."""

from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, func, literal, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from mechshare.domain.pages import EXACT_TOTAL, Page, PageRequest, Position

T = TypeVar("T")


async def paged(
    connection: AsyncConnection,
    rows: Select[Any],
    request: PageRequest,
    *,
    key: ColumnElement[Any],
    id: ColumnElement[Any],
    descending: bool,
    value: Callable[[Any], T],
    position: Callable[[T], Position],
    counted: Select[Any],
) -> Page[T]:
    """The page of `rows` that `request` asks for; `counted` selects the same rows, for counting alone."""
    ordered = rows.order_by(key.desc(), id.desc()) if descending else rows.order_by(key, id)
    if request.after is not None:
        place = tuple_(literal(request.after.key, key.type), literal(request.after.id, id.type))
        ordered = ordered.where(tuple_(key, id) < place if descending else tuple_(key, id) > place)
    found = (await connection.execute(ordered.limit(request.limit + 1).offset(request.offset))).all()
    items = tuple(value(row) for row in found[: request.limit])
    total = await _count(connection, counted)
    return Page(
        items=items,
        page=request.page,
        limit=request.limit,
        total=min(total, EXACT_TOTAL),
        total_is_exact=total <= EXACT_TOTAL,
        next=position(items[-1]) if len(found) > request.limit else None,
    )


async def _count(connection: AsyncConnection, counted: Select[Any]) -> int:
    """How many there are, counted up to one beyond EXACT_TOTAL."""
    bounded = counted.limit(EXACT_TOTAL + 1).subquery()
    found = await connection.execute(select(func.count()).select_from(bounded))
    count: int = found.scalar_one()
    return count
