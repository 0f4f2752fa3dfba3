from datetime import UTC, datetime, timedelta

import pytest

from mechshare.adapters.cache.memory import MemoryCache
from mechshare.domain.pagination import Page, PageRequest, Position
from mechshare.entrypoints.http.public_reads.lists import STRIDE, find_page
from mechshare.services.support.invalidation import PUBLIC_LISTS

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
COUNT = 4 * STRIDE + 50


class Numbers:
    """The numbers below COUNT in their order, with what is asked for."""

    def __init__(self):
        self.asked = []

    async def find(self, request):
        self.asked.append(request)
        start = request.offset
        if request.after is not None:
            start += int(request.after.id) + 1
        items = tuple(range(start, min(start + request.limit, COUNT)))
        last = items[-1] if items else 0
        landmark = start - request.offset + request.landmark - 1 if request.landmark else COUNT
        return Page(
            items=items,
            page=request.page,
            limit=request.limit,
            total=COUNT,
            next=place_of(last) if start + request.limit < COUNT else None,
            landmark=place_of(landmark) if landmark < COUNT else None,
        )


def place_of(number):
    return Position(key=BEGIN + timedelta(seconds=number), id=str(number))


@pytest.fixture
async def cache():
    cache = MemoryCache()
    yield cache
    await cache.close()


async def page_of(cache, numbers, page, limit):
    found = await find_page(cache, "all", "oldest", PageRequest(page=page, limit=limit), numbers.find)
    assert (found.page, found.limit, found.total) == (page, limit, COUNT)
    return list(found.items)


@pytest.mark.parametrize("limit", [1, 7, 100])
async def test_every_page_is_the_one_that_its_number_says(cache, limit):
    numbers = Numbers()
    paged = [
        number
        for page in range(1, COUNT // limit + 3)
        for number in await page_of(cache, numbers, page, limit)
    ]
    assert paged == list(range(COUNT))


@pytest.mark.parametrize("pages", [(1, 203), (1, 140, 203), (1, 140, 190, 249)])
async def test_the_other_pages_of_a_stretch_are_found_from_its_begin(cache, pages):
    numbers = Numbers()
    for page in pages:
        await page_of(cache, numbers, page, 10)
    numbers.asked.clear()

    assert await page_of(cache, numbers, 201, 10) == list(range(2000, 2010))
    assert await page_of(cache, numbers, 204, 10) == list(range(2030, 2040))

    assert [(one.after.id, one.skip, one.landmark) for one in numbers.asked] == [
        ("1999", 0, None),
        ("1999", 30, None),
    ]


async def test_the_first_page_of_a_stretch_is_found_from_the_begin_of_the_one_before(cache):
    numbers = Numbers()
    for page in (1, 190):
        await page_of(cache, numbers, page, 10)
    numbers.asked.clear()

    assert await page_of(cache, numbers, 203, 10) == list(range(2020, 2030))

    assert [(one.after.id, one.skip, one.landmark) for one in numbers.asked] == [("1499", 520, 500)]


async def test_nothing_is_asked_twice_for_one_page(cache):
    numbers = Numbers()
    for page in (201, 202, 150, 203, 1, 150):
        numbers.asked.clear()
        await page_of(cache, numbers, page, 10)
        assert len(numbers.asked) == 1


async def test_places_are_found_anew_once_the_list_has_changed(cache):
    numbers = Numbers()
    for page in (1, 190, 201):
        await page_of(cache, numbers, page, 10)
    await cache.forget(PUBLIC_LISTS)
    numbers.asked.clear()
    await page_of(cache, numbers, 1, 10)
    await page_of(cache, numbers, 201, 10)
    assert [one.after for one in numbers.asked] == [None, None]
