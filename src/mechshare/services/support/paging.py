"""Lists that are read to their end."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

from mechshare.domain.pagination import MAX_LIMIT, Page, PageRequest

T = TypeVar("T")


async def items_of(find_page: Callable[[PageRequest], Awaitable[Page[T]]]) -> AsyncIterator[T]:
    """Yields the items of all pages, in their order. Reads a page when the one before it is used up."""
    request: PageRequest | None = PageRequest(limit=MAX_LIMIT)
    while request is not None:
        page = await find_page(request)
        for item in page.items:
            yield item
        request = PageRequest(limit=MAX_LIMIT, after=page.next) if page.next else None
