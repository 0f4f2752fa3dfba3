"""Pagination over HTTP: `page` and `limit`, or a `cursor`, whose cost does not depend on the depth."""

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import urlencode
from zlib import crc32

import msgspec
from litestar import Request, Response
from litestar.params import QueryParameter
from msgspec import Struct

from mechshare.domain.errors import MalformedRequest
from mechshare.domain.pagination import (
    DEFAULT_LIMIT,
    MAX_LIMIT,
    MAX_OFFSET,
    NEWEST_FIRST,
    KeyType,
    Page,
    PageRequest,
    Position,
    SortKey,
    SortOrder,
)
from mechshare.entrypoints.http.protocol.responses import resource

T = TypeVar("T")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MAX_CURSOR_LENGTH = 2_000
_KEY_TYPES: Mapping[KeyType, type | tuple[type, ...]] = {
    KeyType.TIME: int,
    KeyType.TEXT: str,
    KeyType.NUMBER: (int, float),
}
"""The JSON type of the key of a cursor."""

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


_INTEGERS = ("newer", "older", "page", "limit", "expires", "reliability_min", "revision")
"""Query parameters that are integers. The framework would also accept `1e3` and `1.0`."""
_INTEGER = re.compile(r"-?\d{1,18}", re.ASCII)


async def require_integers(request: Request[Any, Any, Any]) -> None:
    """Raises MalformedRequest for an integer parameter that is not written in digits (an optional `-` first)."""
    if not request.scope["query_string"]:
        return
    wrong = [
        (name, "must be a whole number, written in digits.")
        for name in _INTEGERS
        for value in request.query_params.getall(name, [])
        if not _INTEGER.fullmatch(value)
    ]
    if wrong:
        raise MalformedRequest(problem="see details.", details=wrong)


class PageResponse(Struct, Generic[T]):
    """One page of a list. `total` is exact while `total_is_exact`; `next` is the cursor of the page after this one."""

    items: list[T]
    page: int
    limit: int
    total: int
    total_is_exact: bool
    next: str | None


class _Cursor(Struct, array_like=True, forbid_unknown_fields=True):
    """A position in one list: the sort order, `list_checksum`, the page number, and the item before the page.

    Times are in microseconds.
    """

    order: str
    checksum: int
    page: Annotated[int, msgspec.Meta(ge=1, le=10**9)]
    key_type: KeyType
    key: Annotated[int, msgspec.Meta(ge=-(10**17), le=10**17)] | float | str
    id: str


def page_request(
    page: int | None,
    limit: int | None,
    cursor: str | None,
    order: SortOrder = NEWEST_FIRST,
    conditions: str = "",
) -> PageRequest:
    """Returns the requested page of the list with these `conditions` and `order`; `cursor` overrides `page`.

    Raises MalformedRequest, also for a cursor of another list.
    """
    size = limit or DEFAULT_LIMIT
    if cursor is not None:
        decoded = _decoded(cursor, order, conditions)
        try:
            after = _position(decoded)
        except OverflowError as problem:  # a time before the year 1
            raise _foreign_cursor() from problem
        return PageRequest(page=decoded.page, limit=size, after=after)
    number = page or 1
    refuse_depth(number, size, MAX_OFFSET, "follow 'next' to go further")
    return PageRequest(page=number, limit=size)


def refuse_depth(page: int, size: int, max_offset: int, instead: str) -> None:
    """Raises MalformedRequest if the page begins after more than `max_offset` items; the message suggests `instead`."""
    if (page - 1) * size > max_offset:
        raise MalformedRequest(
            problem="see details.", details=[("page", f"reaches {max_offset} items deep; {instead}.")]
        )


def page_response(
    page: Page[Any], items: list[T], order: SortOrder = NEWEST_FIRST, conditions: str = ""
) -> PageResponse[T]:
    """Returns a page of the list with these `conditions` and `order`, with the cursor of the next page."""
    return PageResponse(
        items=items,
        page=page.page,
        limit=page.limit,
        total=page.total,
        total_is_exact=page.total_is_exact,
        next=cursor_of(page.next, order, page.page + 1, conditions) if page.next else None,
    )


def list_resource(request: Request[Any, Any, Any], listed: PageResponse[Any]) -> Response[Any]:
    """Returns a page of a list as JSON, with the Link field to the next page if there is one."""
    link = next_link(request.scope["path"], request.query_params.multi_items(), listed.next)
    return resource(request, listed, headers={"Link": link} if link else None)


def next_link(path: str, query: Iterable[tuple[str, str]], cursor: str | None) -> str:
    """Returns the Link field (RFC 8288) to the next page of a list; empty on the last page.

    `query` contains the parameters of the list; the link omits its `page` and `cursor`.
    """
    if cursor is None:
        return ""
    filters = [(name, value) for name, value in query if name not in ("page", "cursor")]
    return f'<{path}?{urlencode([*filters, ("cursor", cursor)])}>; rel="next"'


def cursor_of(position: Position, order: SortOrder, page: int = 1, conditions: str = "") -> str:
    """Returns the cursor, for `page_request`, of the page with this number that begins after `position`."""
    checksum, key = list_checksum(conditions), _encoded_key(position.key)
    packed = msgspec.json.encode(_Cursor(order.name, checksum, page, order.key_type, key, position.id))
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def list_checksum(conditions: str) -> int:
    """Returns the CRC-32 of the conditions of a list, which detects cursors of other lists."""
    return crc32(conditions.encode("utf-8", "surrogatepass"))


def _encoded_key(key: SortKey) -> int | float | str:
    return (key - _EPOCH) // _MICROSECOND if isinstance(key, datetime) else key


def _position(cursor: _Cursor) -> Position:
    is_time = cursor.key_type is KeyType.TIME and isinstance(cursor.key, int)
    key: SortKey = _EPOCH + int(cursor.key) * _MICROSECOND if is_time else cursor.key
    return Position(key=key, id=cursor.id)


def _decoded(cursor: str, order: SortOrder, conditions: str) -> _Cursor:
    try:
        packed = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        decoded = msgspec.json.decode(packed, type=_Cursor)
    except (binascii.Error, ValueError) as problem:
        raise _foreign_cursor() from problem
    of_this_list = (order.name, list_checksum(conditions), order.key_type)
    is_of_this_list = (decoded.order, decoded.checksum, decoded.key_type) == of_this_list
    if not is_of_this_list or not isinstance(decoded.key, _KEY_TYPES[order.key_type]):
        raise _foreign_cursor()
    return decoded


def _foreign_cursor() -> MalformedRequest:
    return MalformedRequest(
        problem="see details.",
        details=[("cursor", "is not the 'next' of this list in this order. Begin again without a cursor.")],
    )
