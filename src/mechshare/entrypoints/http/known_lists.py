"""What is kept of lists besides their pages: how long they are, and where some of their items are."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

from mechshare.domain.pages import Page, PageRequest
from mechshare.entrypoints.http.answers import CACHED_FOR
from mechshare.entrypoints.http.paging import list_answer, page_request
from mechshare.ports.cache import Cache
from mechshare.services.changes import LISTS

T = TypeVar("T")
STRIDE = 500
"""Items of a stretch of a list, of which one place is remembered."""
_Find = Callable[[PageRequest], Awaitable[Page[T]]]


async def find_page(
    cache: Cache, narrowed: str, order: str, wanted: PageRequest, find: "_Find[T]"
) -> Page[T]:
    """The page that is wanted of the list that `narrowed` and `order` name. `find` is asked once.

    A list is counted with the first of its pages, and not again before it changes: to count costs more than to find a
    page. Where a page ends is remembered for those of the next stretch, which need not be looked for from the begin.
    """

    async def find_counted(wanted: PageRequest) -> tuple[bytes, Page[T]]:
        page = await find(wanted)
        return str(page.counted).encode(), page

    counted, page = await _learned(cache, f"counted|{narrowed}", lambda: find_counted(wanted))
    if page is not None:
        return page
    wanted = replace(wanted, counted=int(counted))
    stretch = wanted.offset // STRIDE
    if not stretch:
        return await find(wanted)
    places = f"place|{narrowed}|{order}"
    nearer = _from_place(wanted, order, cache.held(LISTS, f"{places}|{stretch - 1}"))

    async def find_placed() -> tuple[bytes, Page[T]]:
        page = await find(nearer)
        cursor = list_answer(page, [], order).next or ""
        return f"{wanted.offset + wanted.limit} {cursor}".encode(), page

    _, page = await _learned(cache, f"{places}|{stretch}", find_placed)
    return page or await find(nearer)


async def _learned(
    cache: Cache, key: str, find: Callable[[], Awaitable[tuple[bytes, Page[T]]]]
) -> tuple[bytes, Page[T] | None]:
    """What is kept, and the page that it was learned from if it was learned now."""
    pages: list[Page[T]] = []

    async def load() -> bytes:
        known, page = await find()
        pages.append(page)
        return known

    known = await cache.get_or_load(LISTS, key, load, CACHED_FOR)
    return known, pages[0] if pages else None


def _from_place(wanted: PageRequest, order: str, place: bytes | None) -> PageRequest:
    """The same page, begun after the item of `place`, if that is known and not beyond it."""
    number, _, cursor = (place or b"").decode().partition(" ")
    if not cursor or int(number) > wanted.offset:
        return wanted
    after = page_request(None, None, cursor, order).after
    return replace(wanted, after=after, skip=wanted.offset - int(number))
