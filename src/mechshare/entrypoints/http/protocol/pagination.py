"""Lists over HTTP: `page` and `limit`, or a `cursor` that costs the same at any depth."""

import base64
import binascii
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import urlencode

import msgspec
from litestar import Request
from litestar.params import QueryParameter
from msgspec import Struct

from mechshare.domain.errors import MalformedRequest
from mechshare.domain.pagination import (
    DEFAULT_LIMIT,
    MAX_LIMIT,
    MAX_OFFSET,
    Page,
    PageRequest,
    Position,
)

T = TypeVar("T")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MAX_CURSOR_LENGTH = 2_000

PageNumber = Annotated[
    int | None, QueryParameter(name="page", ge=1, le=MAX_OFFSET + 1, description="Counts from 1.")
]
Limit = Annotated[
    int | None,
    QueryParameter(name="limit", ge=1, le=MAX_LIMIT, description=f"Items on a page ({DEFAULT_LIMIT})."),
]
Cursor = Annotated[
    str | None,
    QueryParameter(
        name="cursor",
        max_length=_MAX_CURSOR_LENGTH,
        description="The `next` of another page of the same list; goes before `page`.",
    ),
]


class PageResponse(Struct, Generic[T]):
    """One page of a list. `total` is exact while `total_is_exact`; `next` is the cursor of the page after this one."""

    items: list[T]
    page: int
    limit: int
    total: int
    total_is_exact: bool
    next: str | None


class _Held(Struct, array_like=True, forbid_unknown_fields=True):
    """What a cursor holds: the list's order, the number of its page, and the place where that begins."""

    order: str
    page: Annotated[int, msgspec.Meta(ge=1, le=10**9)]
    key: Annotated[int, msgspec.Meta(ge=0, le=10**17)] | str
    id: str


def page_request(page: int | None, limit: int | None, cursor: str | None, order: str = "") -> PageRequest:
    """The page that a request asks for; `order` is the list's. Raises MalformedRequest."""
    size = limit or DEFAULT_LIMIT
    if cursor is not None:
        held = _decoded(cursor, order)
        key = _EPOCH + held.key * _MICROSECOND if isinstance(held.key, int) else held.key
        return PageRequest(page=held.page, limit=size, after=Position(key=key, id=held.id))
    number = page or 1
    refuse_depth(number, size, MAX_OFFSET, "follow 'next' to go further")
    return PageRequest(page=number, limit=size)


def refuse_depth(page: int, size: int, max_offset: int, instead: str) -> None:
    """Raises MalformedRequest for a page that begins more than `max_offset` items down, with what to do `instead`."""
    if (page - 1) * size > max_offset:
        raise MalformedRequest(
            problem="see details.", details=[("page", f"reaches {max_offset} items deep; {instead}.")]
        )


def page_response(page: Page[Any], items: list[T], order: str = "") -> PageResponse[T]:
    return PageResponse(
        items=items,
        page=page.page,
        limit=page.limit,
        total=page.total,
        total_is_exact=page.total_is_exact,
        next=cursor_of(page.next, order, page.page + 1) if page.next else None,
    )


def next_link(request: Request[Any, Any, Any], cursor: str | None) -> dict[str, str]:
    """The Link header (RFC 8288) that leads to the next page."""
    if cursor is None:
        return {}
    kept = [
        (name, value) for name, value in request.query_params.multi_items() if name not in ("page", "cursor")
    ]
    query = urlencode([*kept, ("cursor", cursor)])
    return {"Link": f'<{request.scope["path"]}?{query}>; rel="next"'}


def cursor_of(position: Position, order: str, page: int = 1) -> str:
    """For `page_request`: the page of this number, which begins at this place of a list in this order."""
    key = position.key if isinstance(position.key, str) else (position.key - _EPOCH) // _MICROSECOND
    packed = msgspec.json.encode(_Held(order, page, key, position.id))
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def _decoded(cursor: str, order: str) -> _Held:
    try:
        packed = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        held = msgspec.json.decode(packed, type=_Held)
    except (binascii.Error, ValueError) as problem:
        raise _not_ours() from problem
    if held.order != order or isinstance(held.key, str) != (order == "title"):
        raise _not_ours()
    return held


def _not_ours() -> MalformedRequest:
    return MalformedRequest(
        problem="see details.",
        details=[("cursor", "is not the 'next' of this list in this order. Begin again without a cursor.")],
    )
