"""What is kept of lists besides their pages: how long they are, and where they are a thousand items further."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

from mechshare.domain.pages import Page, PageRequest, Position
from mechshare.entrypoints.http.answers import CACHED_FOR
from mechshare.entrypoints.http.paging import list_answer, page_request
from mechshare.ports.cache import Cache
from mechshare.services.changes import LISTS

T = TypeVar("T")
STRIDE = 1_000
"""Items from one known place to the next."""
_Find = Callable[[PageRequest], Awaitable[Page[T]]]


async def find_page(
    cache: Cache, narrowed: str, order: str, wanted: PageRequest, find: "_Find[T]"
) -> Page[T]:
    """The page that is wanted of the list that `narrowed` and `order` name, by as little work as is left to `find`.

    A list is counted with the first of its pages, and not again before it changes: to count costs more than to find a
    page. A page far down is looked for from the place before it that is known, once somebody was there.
    """
    first: list[Page[T]] = []

    async def count() -> bytes:
        first.append(await find(wanted))
        return str(first[0].counted).encode()

    counted = await cache.get_or_load(LISTS, f"counted|{narrowed}", count, CACHED_FOR)
    if first:
        return first[0]
    near = wanted.offset // STRIDE * STRIDE
    place = await _place(cache, f"{narrowed}|{order}", order, near, find) if near else None
    if place is not None:
        wanted = replace(wanted, after=place, skip=wanted.offset - near)
    return await find(replace(wanted, counted=int(counted)))


async def _place(cache: Cache, list: str, order: str, number: int, find: "_Find[T]") -> Position | None:
    """Just after the item with this number, counted from 1; None where the list is not longer."""

    async def load() -> bytes:
        page = await find(PageRequest(page=number, limit=1, counted=0))
        return (list_answer(page, [], order).next or "").encode()

    cursor = (await cache.get_or_load(LISTS, f"place|{list}|{number}", load, CACHED_FOR)).decode()
    return page_request(None, None, cursor, order).after if cursor else None
