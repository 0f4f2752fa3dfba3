"""The contract suite of caches."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest

from mechshare.ports.cache import Cache, CacheKey, Uncacheable
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


async def test_keys_and_groups_are_apart(cache: Cache) -> None:
    source = Source()
    places = [("g", "k"), ("g", "other"), ("h", "k")]
    assert len({await cache.get_or_load(tag, key, source, LONG) for tag, key in places}) == 3


async def test_forgetting_a_group_drops_all_of_it_and_nothing_else(cache: Cache) -> None:
    source = Source()
    for tag, key in (("g", "a"), ("g", "b"), ("h", "a")):
        await cache.get_or_load(tag, key, source, LONG)
    await cache.invalidate("g")
    assert await cache.get_or_load("g", "a", source, LONG) == b"value 4"
    assert await cache.get_or_load("g", "b", source, LONG) == b"value 5"
    assert await cache.get_or_load("h", "a", source, LONG) == b"value 3"


async def test_many_who_miss_share_one_load(cache: Cache) -> None:
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


async def test_a_load_that_fails_fails_all_who_wait_and_is_not_kept(cache: Cache) -> None:
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


async def test_what_was_loaded_while_its_group_was_forgotten_is_not_kept(cache: Cache) -> None:
    begun, gate = asyncio.Event(), asyncio.Event()

    async def old() -> bytes:
        begun.set()
        await gate.wait()
        return b"old"

    reading = asyncio.create_task(cache.get_or_load("g", "k", old, LONG))
    async with bounded():
        await begun.wait()
    await cache.invalidate("g")
    assert await cache.get_or_load("g", "k", Source(), LONG) == b"value 1"
    gate.set()
    async with bounded():
        await reading
    assert await cache.get_or_load("g", "k", Source(), LONG) == b"value 1"


async def test_of_many_those_are_loaded_that_are_not_held(cache: Cache) -> None:
    await stored(cache, "g", "b", b"cached")
    loads: list[Sequence[CacheKey]] = []

    async def load(names: Sequence[CacheKey]) -> Sequence[bytes]:
        loads.append(names)
        return [f"{tag} {key}".encode() for tag, key in names]

    names = [("g", "a"), ("g", "b"), ("h", "a")]
    assert await cache.get_or_load_many(names, load, LONG) == [b"g a", b"cached", b"h a"]
    assert await cache.get_or_load_many(names, load, LONG) == [b"g a", b"cached", b"h a"]
    assert loads == [[("g", "a"), ("h", "a")]]


async def test_of_many_that_failed_to_load_none_is_kept(cache: Cache) -> None:
    async def failing(names: Sequence[CacheKey]) -> Sequence[bytes]:
        raise LookupError("gone")

    async def load(names: Sequence[CacheKey]) -> Sequence[bytes]:
        return [b"there"] * len(names)

    names = [("g", "a"), ("g", "b")]
    with pytest.raises(LookupError):
        await cache.get_or_load_many(names, failing, LONG)
    assert await cache.get_or_load_many(names, load, LONG) == [b"there"] * 2


async def test_of_many_those_that_were_forgotten_while_they_were_loaded_are_not_kept(cache: Cache) -> None:
    async def invalidated_meanwhile(names: Sequence[CacheKey]) -> Sequence[bytes]:
        await cache.invalidate("g")
        return [b"old"] * len(names)

    async def load(names: Sequence[CacheKey]) -> Sequence[bytes]:
        return [b"new"] * len(names)

    await stored(cache, "another tag", "k", b"heard")
    names = [("g", "k"), ("h", "k")]
    assert await cache.get_or_load_many(names, invalidated_meanwhile, LONG) == [b"old"] * 2
    assert await cache.get_or_load_many(names, load, LONG) == [b"new", b"old"]


async def test_who_stops_waiting_does_not_stop_the_others(cache: Cache) -> None:
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


async def test_an_entry_ends_with_its_lifetime(cache: Cache) -> None:
    source = Source()
    await cache.get_or_load("g", "k", source, timedelta(0))
    assert await cache.get_or_load("g", "k", source, LONG) == b"value 2"


async def test_what_is_held_is_told_at_once_until_it_is_forgotten(cache: Cache) -> None:
    assert cache.cached("g", "k") is None
    loaded = await stored(cache, "g", "k", b"old")
    assert cache.cached("g", "k") is loaded
    assert cache.cached("g", "other") is None
    await cache.invalidate("g")
    assert cache.cached("g", "k") is None


async def test_what_ended_is_not_held(cache: Cache) -> None:
    await stored(cache, "g", "k", b"value")
    await cache.get_or_load("h", "k", Source(), timedelta(0))
    assert cache.cached("h", "k") is None


async def test_it_tells_in_one_line_what_answers(cache: Cache) -> None:
    problem = await cache.check()
    assert problem
    assert "\n" not in problem


async def test_an_uncacheable_result_is_served_and_not_stored(cache: Cache) -> None:
    async def uncacheable() -> bytes:
        return Uncacheable(b"passing")

    assert await cache.get_or_load("g", "k", uncacheable, LONG) == b"passing"
    assert cache.cached("g", "k") is None
    assert await cache.get_or_load("g", "k", Source(), LONG) == b"value 1"


async def test_of_many_those_that_are_uncacheable_are_served_and_not_stored(cache: Cache) -> None:
    async def mixed(keys: Sequence[CacheKey]) -> Sequence[bytes]:
        return [Uncacheable(b"passing") if key == "a" else b"lasting" for _, key in keys]

    async def load(keys: Sequence[CacheKey]) -> Sequence[bytes]:
        return [b"new"] * len(keys)

    keys = [("g", "a"), ("g", "b")]
    await stored(cache, "another tag", "k", b"heard")
    assert await cache.get_or_load_many(keys, mixed, LONG) == [b"passing", b"lasting"]
    assert await cache.get_or_load_many(keys, load, LONG) == [b"new", b"lasting"]
