"""The contract suite of caches."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest

from mechshare.ports.cache import STALENESS, Cache, CacheKey, ShortLived, Uncacheable
from mechshare.testing.bounds import bounded

LONG = timedelta(minutes=5)


class Source:
    """A loader that returns a new value at each call and counts the calls (`loads`)."""

    def __init__(self) -> None:
        self.loads = 0

    async def __call__(self) -> bytes:
        self.loads += 1
        return f"value {self.loads}".encode()


async def stored(cache: Cache, tag: str, key: str, body: bytes) -> bytes:
    """Returns `body` once the cache of this process stores it; raises AssertionError after 500 attempts.

    A cache may store nothing until its invalidation listener is connected.
    """

    async def load() -> bytes:
        return body

    for _ in range(500):
        await cache.get_or_load(tag, key, load, LONG)
        found = cache.cached(tag, key)
        if found is not None:
            return found
        await asyncio.sleep(0.01)
    raise AssertionError("the cache holds nothing")


async def test_an_entry_is_loaded_once(cache: Cache) -> None:
    source = Source()
    values = [await cache.get_or_load("g", "k", source, LONG) for _ in range(3)]
    assert values == [b"value 1"] * 3
    assert source.loads == 1


async def test_keys_and_tags_are_independent(cache: Cache) -> None:
    source = Source()
    entries = [("g", "k"), ("g", "other"), ("h", "k")]
    assert len({await cache.get_or_load(tag, key, source, LONG) for tag, key in entries}) == 3


async def test_invalidating_a_tag_drops_its_entries_only(cache: Cache) -> None:
    source = Source()
    for tag, key in (("g", "a"), ("g", "b"), ("h", "a")):
        await cache.get_or_load(tag, key, source, LONG)
    await cache.invalidate("g")
    assert await cache.get_or_load("g", "a", source, LONG) == b"value 4"
    assert await cache.get_or_load("g", "b", source, LONG) == b"value 5"
    assert await cache.get_or_load("h", "a", source, LONG) == b"value 3"


async def test_concurrent_misses_share_one_load(cache: Cache) -> None:
    source = Source()
    gate = asyncio.Event()

    async def slow() -> bytes:
        await gate.wait()
        return await source()

    waiting = [asyncio.create_task(cache.get_or_load("g", "k", slow, LONG)) for _ in range(20)]
    await asyncio.sleep(0)
    gate.set()
    async with bounded():
        assert await asyncio.gather(*waiting) == [b"value 1"] * 20
    assert source.loads == 1


async def test_a_failed_load_raises_for_all_waiters_and_is_not_cached(cache: Cache) -> None:
    gate = asyncio.Event()

    async def failing() -> bytes:
        await gate.wait()
        raise LookupError("gone")

    waiting = [asyncio.create_task(cache.get_or_load("g", "k", failing, LONG)) for _ in range(3)]
    await asyncio.sleep(0)
    gate.set()
    async with bounded():
        ended = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(one) for one in ended] == [LookupError] * 3
    assert await cache.get_or_load("g", "k", Source(), LONG) == b"value 1"


async def test_a_value_loaded_during_an_invalidation_is_not_cached(cache: Cache) -> None:
    started, gate = asyncio.Event(), asyncio.Event()

    async def old() -> bytes:
        started.set()
        await gate.wait()
        return b"old"

    reading = asyncio.create_task(cache.get_or_load("g", "k", old, LONG))
    async with bounded():
        await started.wait()
    await cache.invalidate("g")
    assert await cache.get_or_load("g", "k", Source(), LONG) == b"value 1"
    gate.set()
    async with bounded():
        await reading
    assert await cache.get_or_load("g", "k", Source(), LONG) == b"value 1"


async def test_of_many_keys_only_missing_ones_are_loaded(cache: Cache) -> None:
    await stored(cache, "g", "b", b"cached")
    loads: list[Sequence[CacheKey]] = []

    async def load(names: Sequence[CacheKey]) -> Sequence[bytes]:
        loads.append(names)
        return [f"{tag} {key}".encode() for tag, key in names]

    names = [("g", "a"), ("g", "b"), ("h", "a")]
    assert await cache.get_or_load_many(names, load, LONG) == [b"g a", b"cached", b"h a"]
    assert await cache.get_or_load_many(names, load, LONG) == [b"g a", b"cached", b"h a"]
    assert loads == [[("g", "a"), ("h", "a")]]


async def test_a_failed_load_of_many_caches_nothing(cache: Cache) -> None:
    async def failing(names: Sequence[CacheKey]) -> Sequence[bytes]:
        raise LookupError("gone")

    async def load(names: Sequence[CacheKey]) -> Sequence[bytes]:
        return [b"there"] * len(names)

    names = [("g", "a"), ("g", "b")]
    with pytest.raises(LookupError):
        await cache.get_or_load_many(names, failing, LONG)
    assert await cache.get_or_load_many(names, load, LONG) == [b"there"] * 2


async def test_of_many_keys_those_invalidated_during_the_load_are_not_cached(cache: Cache) -> None:
    async def invalidated_meanwhile(names: Sequence[CacheKey]) -> Sequence[bytes]:
        await cache.invalidate("g")
        return [b"old"] * len(names)

    async def load(names: Sequence[CacheKey]) -> Sequence[bytes]:
        return [b"new"] * len(names)

    await stored(cache, "another tag", "k", b"received")
    names = [("g", "k"), ("h", "k")]
    assert await cache.get_or_load_many(names, invalidated_meanwhile, LONG) == [b"old"] * 2
    assert await cache.get_or_load_many(names, load, LONG) == [b"new", b"old"]


async def test_a_cancelled_waiter_does_not_cancel_the_load_of_others(cache: Cache) -> None:
    gate = asyncio.Event()

    async def slow() -> bytes:
        await gate.wait()
        return b"there"

    first = asyncio.create_task(cache.get_or_load("g", "k", slow, LONG))
    second = asyncio.create_task(cache.get_or_load("g", "k", slow, LONG))
    await asyncio.sleep(0)
    first.cancel()
    gate.set()
    async with bounded():
        assert await second == b"there"


async def test_an_entry_expires_after_its_lifetime(cache: Cache) -> None:
    source = Source()
    await cache.get_or_load("g", "k", source, timedelta(0))
    assert await cache.get_or_load("g", "k", source, LONG) == b"value 2"


async def test_cached_returns_an_entry_until_it_is_invalidated(cache: Cache) -> None:
    assert cache.cached("g", "k") is None
    loaded = await stored(cache, "g", "k", b"old")
    assert cache.cached("g", "k") is loaded
    assert cache.cached("g", "other") is None
    await cache.invalidate("g")
    assert cache.cached("g", "k") is None


async def test_cached_returns_no_expired_entry(cache: Cache) -> None:
    await stored(cache, "g", "k", b"value")
    await cache.get_or_load("h", "k", Source(), timedelta(0))
    assert cache.cached("h", "k") is None


async def test_check_describes_the_cache_in_one_line(cache: Cache) -> None:
    problem = await cache.check()
    assert problem
    assert "\n" not in problem


async def test_an_uncacheable_result_is_returned_and_not_cached(cache: Cache) -> None:
    async def uncacheable() -> bytes:
        return Uncacheable(b"passing")

    assert await cache.get_or_load("g", "k", uncacheable, LONG) == b"passing"
    assert cache.cached("g", "k") is None
    assert await cache.get_or_load("g", "k", Source(), LONG) == b"value 1"


async def test_a_short_lived_result_is_served_for_the_staleness_at_most(cache: Cache) -> None:
    async def short_lived() -> bytes:
        return ShortLived(b"passing")

    assert await cache.get_or_load("g", "k", short_lived, LONG) == b"passing"
    await asyncio.sleep(STALENESS.total_seconds())
    assert await cache.get_or_load("g", "k", Source(), LONG) == b"value 1"


async def test_of_many_results_uncacheable_ones_are_returned_and_not_cached(cache: Cache) -> None:
    async def mixed(keys: Sequence[CacheKey]) -> Sequence[bytes]:
        return [Uncacheable(b"passing") if key == "a" else b"lasting" for _, key in keys]

    async def load(keys: Sequence[CacheKey]) -> Sequence[bytes]:
        return [b"new"] * len(keys)

    keys = [("g", "a"), ("g", "b")]
    await stored(cache, "another tag", "k", b"received")
    assert await cache.get_or_load_many(keys, mixed, LONG) == [b"passing", b"lasting"]
    assert await cache.get_or_load_many(keys, load, LONG) == [b"new", b"lasting"]


async def test_after_a_refresh_an_entry_is_served_for_the_staleness_at_most(cache: Cache) -> None:
    await stored(cache, "g", "k", b"old")
    await cache.refresh("g")
    await asyncio.sleep(STALENESS.total_seconds())
    assert cache.cached("g", "k") is None
    assert await cache.get_or_load("g", "k", Source(), LONG) == b"value 1"


async def test_after_a_refresh_a_caller_may_want_a_fresh_entry(cache: Cache) -> None:
    await stored(cache, "g", "k", b"old")
    await cache.refresh("g")
    assert cache.cached("g", "k", fresh=True) is None
    assert await cache.get_or_load("g", "k", Source(), LONG, fresh=True) == b"value 1"
    assert await cache.get_or_load("g", "k", Source(), LONG) == b"value 1"
    assert cache.cached("g", "k", fresh=True) == b"value 1"


async def test_an_invalidation_after_a_refresh_drops_the_entry_at_once(cache: Cache) -> None:
    await stored(cache, "g", "k", b"old")
    await cache.refresh("g")
    await cache.invalidate("g")
    assert cache.cached("g", "k") is None
    assert await cache.get_or_load("g", "k", Source(), LONG) == b"value 1"


async def test_an_outdated_load_does_not_replace_a_fresh_entry(cache: Cache) -> None:
    await stored(cache, "other", "k", b"received")
    begun, gate = asyncio.Event(), asyncio.Event()

    async def slow() -> bytes:
        begun.set()
        await gate.wait()
        return b"old"

    reading = asyncio.create_task(cache.get_or_load("g", "k", slow, LONG))
    async with bounded():
        await begun.wait()
    await cache.refresh("g")
    assert await cache.get_or_load("g", "k", Source(), LONG, fresh=True) == b"value 1"
    gate.set()
    async with bounded():
        await reading
    assert await cache.get_or_load("g", "k", Source(), LONG, fresh=True) == b"value 1"


async def test_a_tag_includes_its_parts_and_a_part_no_other(cache: Cache) -> None:
    source = Source()
    names = [("g/a", "k"), ("g/b", "k"), ("g", "k")]

    async def read() -> list[bytes]:
        return [await cache.get_or_load(tag, key, source, LONG, fresh=True) for tag, key in names]

    assert await read() == [b"value 1", b"value 2", b"value 3"]
    await cache.invalidate("g/a")
    first, *others = await read()
    assert (first, source.loads) == (b"value 4", 4), others
    await cache.refresh("g/b")
    assert (await read())[1] == b"value 5"
    await cache.invalidate("g")
    assert await read() == [b"value 6", b"value 7", b"value 8"]
    await cache.refresh("g")
    assert await read() == [b"value 9", b"value 10", b"value 11"]
