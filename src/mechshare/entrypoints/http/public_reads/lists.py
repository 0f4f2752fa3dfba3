"""What is kept of lists besides their pages: how long they are, and where some of their items are."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

from mechshare.domain.pagination import MAX_SKIP, Page, PageRequest
from mechshare.entrypoints.http.protocol.pagination import cursor_of, page_request
from mechshare.entrypoints.http.protocol.responses import CACHED_FOR
from mechshare.ports.cache import Cache
from mechshare.services.support.invalidation import PUBLIC_LISTS

T = TypeVar("T")
STRIDE = MAX_SKIP // 2
"""Items of a stretch of a list, whose begin is remembered."""
_Find = Callable[[PageRequest], Awaitable[Page[T]]]


async def find_page(
    cache: Cache, narrowed: str, order: str, wanted: PageRequest, find: "_Find[T]"
) -> Page[T]:
    """The page that is wanted of the list that `narrowed` and `order` name. `find` is asked once.

    A list is counted with the first of its pages, and not again before it changes: to count costs more than to find a
    page. Where a stretch begins is told with the first page that is asked of it, and remembered for the others, which
    need not be looked for from the begin of the list.
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

    async def find_placed() -> tuple[bytes, Page[T]]:
        known = cache.held(PUBLIC_LISTS, f"{places}|{stretch - 1}") if stretch > 1 else None
        nearer = _from_place(wanted, order, stretch - 1, known)
        landmark = STRIDE if nearer.after else stretch * STRIDE
        page = await find(replace(nearer, landmark=landmark))
        return cursor_of(page.landmark, order).encode() if page.landmark else b"", page

    place, page = await _learned(cache, f"{places}|{stretch}", find_placed)
    return page or await find(_from_place(wanted, order, stretch, place))


async def _learned(
    cache: Cache, key: str, find: Callable[[], Awaitable[tuple[bytes, Page[T]]]]
) -> tuple[bytes, Page[T] | None]:
    """What is kept, and the page that it was learned from if it was learned now."""
    pages: list[Page[T]] = []

    async def load() -> bytes:
        known, page = await find()
        pages.append(page)
        return known

    known = await cache.get_or_load(PUBLIC_LISTS, key, load, CACHED_FOR)
    return known, pages[0] if pages else None


def _from_place(wanted: PageRequest, order: str, stretch: int, place: bytes | None) -> PageRequest:
    """The same page, looked for from `place` on, where this stretch begins, if that is known."""
    if not place:
        return wanted
    after = page_request(None, None, place.decode(), order).after
    return replace(wanted, after=after, skip=wanted.offset - stretch * STRIDE)
