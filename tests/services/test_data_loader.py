import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mechshare.services.support.data_loader import MAX_BATCH_SIZE, DataLoader


class Workshop:
    """A load function that waits until `doors` is set, and records its batches."""

    def __init__(self):
        self.together = []
        self.doors = asyncio.Event()

    async def work(self, keys):
        self.together.append(list(keys))
        await self.doors.wait()
        return [ValueError(str(key)) if key < 0 else key * 10 for key in keys]


async def all_of(batches, keys):
    return await asyncio.gather(*map(batches.load, keys), return_exceptions=True)


async def steps(number):
    for _ in range(number):
        await asyncio.sleep(0)


async def settled():
    await steps(5)


async def test_concurrent_requests_are_loaded_in_one_batch():
    workshop = Workshop()
    workshop.doors.set()
    assert await all_of(DataLoader(workshop.work, max_batches=1), [1, 2, 2, 3]) == [10, 20, 20, 30]
    assert workshop.together == [[1, 2, 3]]


async def test_requests_beyond_the_allowed_batches_wait_for_the_next():
    workshop = Workshop()
    batches = DataLoader(workshop.work, max_batches=2)
    loads = []
    for key in range(4):
        loads.append(asyncio.create_task(batches.load(key)))
        await settled()
    assert workshop.together == [[0], [1]]

    workshop.doors.set()

    assert await asyncio.gather(*loads) == [0, 10, 20, 30]
    assert workshop.together == [[0], [1], [2, 3]]


async def test_a_batch_is_no_larger_than_its_limit():
    workshop = Workshop()
    workshop.doors.set()
    keys = list(range(2 * MAX_BATCH_SIZE + 1))
    assert await all_of(DataLoader(workshop.work, max_batches=1), keys) == [key * 10 for key in keys]
    assert list(map(len, workshop.together)) == [MAX_BATCH_SIZE, MAX_BATCH_SIZE, 1]


async def test_each_caller_gets_only_its_own_error():
    workshop = Workshop()
    workshop.doors.set()
    good, bad = await all_of(DataLoader(workshop.work, max_batches=1), [1, -1])
    assert good == 10
    assert isinstance(bad, ValueError)


async def test_a_failed_batch_raises_for_all_and_the_next_is_tried():
    tried = []

    async def work(keys):
        tried.append(list(keys))
        if len(tried) == 1:
            raise OSError("away")
        return keys

    batches = DataLoader(work, max_batches=1)
    assert list(map(type, await all_of(batches, [1, 2]))) == [OSError, OSError]
    assert await batches.load(1) == 1


async def test_a_cancelled_caller_does_not_cancel_the_others():
    workshop = Workshop()
    batches = DataLoader(workshop.work, max_batches=1)
    gone, stays = (asyncio.create_task(batches.load(1)) for _ in range(2))
    await settled()
    gone.cancel()
    await settled()
    workshop.doors.set()
    assert await stays == 10
    with pytest.raises(asyncio.CancelledError):
        await gone


@given(
    max_batches=st.integers(1, 3),
    comings=st.lists(st.integers(0, 12), max_size=12),
    durations=st.lists(st.integers(0, 6), min_size=12, max_size=12),
)
async def test_in_any_interleaving_no_load_is_wasted_and_no_limit_exceeded(max_batches, comings, durations):
    together, under_way = [], 0

    async def work(keys):
        nonlocal under_way
        under_way += 1
        assert under_way <= max_batches
        await steps(durations[len(together) % len(durations)])
        together.append(list(keys))
        under_way -= 1
        return keys

    batches = DataLoader(work, max_batches=max_batches)

    async def come(key, after):
        await steps(after)
        return await batches.load(key)

    assert await asyncio.gather(*(come(key, after) for key, after in enumerate(comings))) == list(
        range(len(comings))
    )
    await settled()
    assert sorted(key for keys in together for key in keys) == list(range(len(comings)))
    assert [] not in together
