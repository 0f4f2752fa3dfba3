"""What the memory cache guarantees beyond the port: bounded memory, and invalidation across processes."""

import asyncio
import subprocess
import sys
import tracemalloc
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mechshare.adapters.cache.memory import MemoryCache
from mechshare.ports.cache import CacheKey
from mechshare.testing.bounds import bounded

LONG = timedelta(minutes=5)


def giving(body: bytes) -> Callable[[], Awaitable[bytes]]:
    async def load() -> bytes:
        return body

    return load


def cached(cache: MemoryCache, tag: str, key: str) -> bool:
    return cache.cached(tag, key) is not None


async def test_the_least_recently_used_entry_is_evicted() -> None:
    cache = MemoryCache(capacity=5_000)
    for key in "abc":
        await cache.get_or_load("g", key, giving(b"x" * 1_000), LONG)
    await cache.get_or_load("g", "a", giving(b"never"), LONG)
    await cache.get_or_load("g", "d", giving(b"x" * 1_000), LONG)
    assert [cached(cache, "g", key) for key in "abcd"] == [True, False, True, True]


async def test_a_body_larger_than_the_capacity_evicts_nothing() -> None:
    cache = MemoryCache(capacity=5_000)
    await cache.get_or_load("g", "small", giving(b"small"), LONG)
    large = b"x" * 5_000
    assert await cache.get_or_load("g", "large", giving(large), LONG) == large
    assert cached(cache, "g", "small")
    assert not cached(cache, "g", "large")


async def test_memory_stays_within_the_capacity() -> None:
    capacity = 1_000_000
    cache = MemoryCache(capacity=capacity)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for number in range(20_000):
            # Long keys and short bodies: the overhead counts as well.
            await cache.get_or_load("g", f"{number}{'k' * 200}", lambda: giving(bytes(10))(), LONG)
        held_bytes = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert capacity / 2 < held_bytes <= capacity


async def test_invalidated_entries_free_their_capacity() -> None:
    cache = MemoryCache(capacity=10_000)
    for _ in range(1_000):
        await cache.get_or_load("g", "k", giving(b"x" * 1_000), LONG)
        await cache.invalidate("g")
    for key in "abc":
        await cache.get_or_load("h", key, giving(b"x" * 1_000), LONG)
    assert [cached(cache, "h", key) for key in "abc"] == [True, True, True]


async def test_a_hit_returns_without_yielding_to_the_event_loop() -> None:
    cache = MemoryCache()
    await cache.get_or_load("g", "k", giving(b"there"), LONG)
    pending = cache.get_or_load("g", "k", giving(b"not asked"), LONG)
    with pytest.raises(StopIteration) as ended:
        pending.send(None)  # type: ignore[attr-defined]
    assert ended.value.value == b"there"


async def test_an_invalidation_reaches_all_caches_on_the_generation_table(tmp_path: Path) -> None:
    one, other = (MemoryCache(generation_table=tmp_path / "run" / "generation_table") for _ in range(2))
    apart = MemoryCache()
    for cache in (one, other, apart):
        for tag in ("g", "h"):
            await cache.get_or_load(tag, "k", giving(b"old"), LONG)

    await one.invalidate("g")

    assert [cached(cache, "g", "k") for cache in (one, other, apart)] == [False, False, True]
    assert [cached(cache, "h", "k") for cache in (one, other)] == [True, True]


async def test_a_load_during_an_invalidation_elsewhere_is_not_stored(tmp_path: Path) -> None:
    one, other = (MemoryCache(generation_table=tmp_path / "generation_table") for _ in range(2))

    async def overtaken() -> bytes:
        await other.invalidate("g")
        return b"old"

    assert await one.get_or_load("g", "k", overtaken, LONG) == b"old"
    assert not cached(one, "g", "k")


async def test_a_miss_after_an_invalidation_does_not_join_an_older_load(tmp_path: Path) -> None:
    one, other = (MemoryCache(generation_table=tmp_path / "generation_table") for _ in range(2))
    begun, gate = asyncio.Event(), asyncio.Event()

    async def slow() -> bytes:
        begun.set()
        await gate.wait()
        return b"old"

    first = asyncio.create_task(one.get_or_load("g", "k", slow, LONG))
    await begun.wait()
    await other.invalidate("g")
    assert await one.get_or_load("g", "k", giving(b"new"), LONG) == b"new"
    gate.set()
    assert await first == b"old"
    assert await one.get_or_load("g", "k", giving(b"newest"), LONG) == b"new"


INVALIDATOR = """
import asyncio, sys
from pathlib import Path
from mechshare.adapters.cache.memory import MemoryCache
from mechshare.ports.cache import CacheKey
from mechshare.testing.bounds import bounded

cache = MemoryCache(generation_table=Path(sys.argv[1]))
for line in sys.stdin:
    asyncio.run(cache.invalidate(line.strip()))
    print("invalidated", flush=True)
"""


async def test_an_invalidation_in_another_process_is_seen_at_once(tmp_path: Path) -> None:
    cache = MemoryCache(generation_table=tmp_path / "generation_table")
    command = [sys.executable, "-c", INVALIDATOR, str(tmp_path / "generation_table")]
    process = await asyncio.create_subprocess_exec(*command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    for number in range(50):
        await cache.get_or_load("g", "k", giving(b"%d" % number), LONG)
        assert cached(cache, "g", "k")

        process.stdin.write(b"g\n")
        assert await process.stdout.readline() == b"invalidated\n"

        assert not cached(cache, "g", "k")
    process.stdin.close()
    assert await process.wait() == 0


FORKED = """
import asyncio, os, sys
from datetime import timedelta
from pathlib import Path
from mechshare.adapters.cache.memory import MemoryCache
from mechshare.ports.cache import CacheKey
from mechshare.testing.bounds import bounded

cache = MemoryCache(generation_table=Path(sys.argv[1]))

async def give():
    return b"old"

async def again():
    return b"new"

def in_child(tag):
    child = os.fork()
    if child == 0:
        asyncio.run(cache.invalidate(tag))
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0

in_child("g")
asyncio.run(cache.get_or_load("g", "k", give, timedelta(hours=1)))
in_child("g")
print(asyncio.run(cache.get_or_load("g", "k", again, timedelta(hours=1))).decode())
"""


def test_forked_processes_do_not_undo_each_others_invalidations(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORKED, str(tmp_path / "generation_table")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "new\n"


async def test_no_entry_is_served_beyond_the_age_of_the_cache() -> None:
    cache = MemoryCache(max_age=timedelta(milliseconds=1))

    async def load_all(keys: Sequence[CacheKey]) -> Sequence[bytes]:
        return [b"old" for _ in keys]

    await cache.get_or_load("g", "one", giving(b"old"), LONG)
    await cache.get_or_load_many([("g", "many")], load_all, LONG)
    await asyncio.sleep(0.01)
    assert [cached(cache, "g", key) for key in ("one", "many")] == [False, False]
    assert await cache.get_or_load("g", "one", giving(b"new"), LONG) == b"new"


async def test_the_lifetime_of_an_entry_starts_with_its_load() -> None:
    cache = MemoryCache()

    async def slow() -> bytes:
        await asyncio.sleep(0.06)
        return b"old"

    await cache.get_or_load("g", "k", slow, timedelta(seconds=0.05))
    assert not cached(cache, "g", "k")


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("change"), st.integers(0, 1), st.sampled_from("gh")),
        st.tuples(st.just("ask"), st.integers(0, 1), st.sampled_from("gh")),
        st.tuples(st.just("let go"), st.integers(0, 5), st.just("")),
    ),
    max_size=40,
)


@given(steps=STEPS)
async def test_no_entry_from_before_an_invalidation_is_served(
    steps: list[tuple[str, int, str]],
) -> None:
    """Two caches over the same data, with loads of any length: no hit is older than the last invalidation."""
    caches = [MemoryCache(), MemoryCache()]
    caches[1]._entries._generations = caches[0]._entries._generations  # as if both had opened one file
    truth = {"g": 0, "h": 0}
    loads: list[tuple[asyncio.Event, asyncio.Task[bytes], int]] = []

    for step, number, tag in steps:
        if step == "change":
            truth[tag] += 1
            await caches[number].invalidate(tag)
        elif step == "ask":
            gate = asyncio.Event()
            loading = caches[number].get_or_load(tag, "k", slowly(gate, truth, tag), LONG)
            loads.append((gate, asyncio.create_task(loading), truth[tag]))
        elif number < len(loads):
            loads[number][0].set()
        await settle()

    for gate, task, least in loads:
        gate.set()
        assert int(await task) >= least


def slowly(gate: asyncio.Event, truth: dict[str, int], tag: str) -> Callable[[], Awaitable[bytes]]:
    """Returns a load that reads the value first and returns it only when `gate` opens."""

    async def load() -> bytes:
        read = truth[tag]
        await gate.wait()
        return b"%d" % read

    return load


async def settle() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


@pytest.mark.parametrize(("change", "loads"), [("refresh", 1), ("invalidate", 2)])
async def test_a_load_in_progress_is_shared_across_refreshes_and_not_across_invalidations(
    change: str, loads: int
) -> None:
    cache, gate, begun = MemoryCache(), asyncio.Event(), []

    async def slow() -> bytes:
        begun.append("")
        await gate.wait()
        return b"loaded"

    first = asyncio.create_task(cache.get_or_load("g", "k", slow, LONG))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert begun == [""]
    await getattr(cache, change)("g")
    second = asyncio.create_task(cache.get_or_load("g", "k", slow, LONG))
    await asyncio.sleep(0)
    gate.set()
    async with bounded():
        assert await asyncio.gather(first, second) == [b"loaded"] * 2
    assert len(begun) == loads
