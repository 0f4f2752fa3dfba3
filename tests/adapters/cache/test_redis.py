"""A cache in Redis that is shared, flushed, suspended and gone: it changes how quick an answer is, and never which."""

import asyncio
import signal
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from mechshare.adapters.cache.redis import RedisCache
from mechshare.ports.cache import STALENESS, CacheKey, Load
from mechshare.testing.cache import stored
from tests.servers import address, own_server, redis_url, told

LONG = timedelta(minutes=5)


async def new() -> bytes:
    return b"new"


async def old() -> bytes:
    return b"old"


async def newest() -> bytes:
    return b"newest"


async def mine() -> bytes:
    return b"mine"


@pytest.fixture
async def hosts() -> AsyncIterator[tuple[RedisCache, RedisCache]]:
    """The caches of two processes."""
    url = redis_url()
    one, other = RedisCache(url), RedisCache(url)
    yield one, other
    await one.close()
    await other.close()


def all_of(body: bytes) -> Load:
    async def load(names: Sequence[CacheKey]) -> Sequence[bytes]:
        return [body] * len(names)

    return load


async def settle() -> None:
    """Waits as long as another process may go on giving what was invalidated."""
    await asyncio.sleep(STALENESS.total_seconds())


async def test_what_one_process_loaded_another_finds(hosts: tuple[RedisCache, RedisCache]) -> None:
    one, other = hosts
    await one.get_or_load("g", "k", new, LONG)
    await one._storing
    assert await other.get_or_load("g", "k", mine, LONG) == b"new"


async def test_what_a_process_loads_together_it_keeps_to_itself(
    hosts: tuple[RedisCache, RedisCache],
) -> None:
    one, other = hosts
    await one.get_or_load_many([("g", "k")], all_of(b"one's"), LONG)
    assert await other.get_or_load_many([("g", "k")], all_of(b"the other's"), LONG) == [b"the other's"]
    async with Redis.from_url(address("REDIS_URL")) as redis:
        assert not await redis.exists(one._client.key("g"))


async def test_what_a_process_loaded_together_is_forgotten_in_all(
    hosts: tuple[RedisCache, RedisCache],
) -> None:
    one, other = hosts
    for cache in hosts:
        await cache.get_or_load_many([("g", "a"), ("h", "a")], all_of(b"old"), LONG)
    await one.invalidate("g")
    assert await one.get_or_load_many([("g", "a")], all_of(b"new"), LONG) == [b"new"]
    await settle()
    assert await other.get_or_load_many([("g", "a"), ("h", "a")], all_of(b"new"), LONG) == [b"new", b"old"]


async def test_a_load_of_many_that_another_process_forgot_meanwhile_is_not_kept(
    hosts: tuple[RedisCache, RedisCache],
) -> None:
    one, other = hosts

    async def invalidated_meanwhile(names: Sequence[CacheKey]) -> Sequence[bytes]:
        await other.invalidate("g")
        await settle()
        return [b"old"] * len(names)

    await one.get_or_load_many([("g", "k")], invalidated_meanwhile, LONG)
    assert await one.get_or_load_many([("g", "k")], all_of(b"new"), LONG) == [b"new"]


async def test_a_load_of_many_is_not_shared_when_redis_is_not_heard_any_more() -> None:
    with own_server("redis") as server:
        deaf, writer = RedisCache(told("redis", server)), RedisCache(told("redis", server))
        await stored(deaf, "g", "another key", b"heard")
        begun, gate = asyncio.Event(), asyncio.Event()

        async def slow(names: Sequence[CacheKey]) -> Sequence[bytes]:
            begun.set()
            await gate.wait()
            return [b"old"] * len(names)

        reading = asyncio.create_task(deaf.get_or_load_many([("g", "k")], slow, LONG))
        await begun.wait()
        server.signal(signal.SIGSTOP)
        await writer.invalidate("g")
        await settle()
        async with asyncio.timeout(10):
            assert await deaf.get_or_load_many([("g", "k")], all_of(b"new"), LONG) == [b"new"]
        gate.set()
        assert await reading == [b"old"]
        server.signal(signal.SIGCONT)
        await deaf.close()
        await writer.close()


async def test_nothing_new_is_made_from_what_another_process_forgot_and_this_one_did_not_hear_of(
    hosts: tuple[RedisCache, RedisCache],
) -> None:
    one, deaf = hosts
    await deaf.get_or_load("g", "part", old, LONG)
    await one.get_or_load("g", "other", old, LONG)
    await deaf._listener.close()
    deaf._listener._current_until = float("inf")
    await one.invalidate("g")
    assert deaf.cached("g", "part") == b"old"

    async def whole() -> bytes:
        return b"of " + await deaf.get_or_load("g", "part", new, LONG)

    assert await deaf.get_or_load("g", "whole", whole, LONG) == b"of new"


async def test_what_one_process_forgets_is_forgotten_in_all(hosts: tuple[RedisCache, RedisCache]) -> None:
    one, other = hosts
    await stored(one, "g", "k", b"old")
    await stored(other, "g", "k", b"old")
    await other.invalidate("g")
    assert await other.get_or_load("g", "k", new, LONG) == b"new"
    await settle()
    assert one.cached("g", "k") != b"old"
    assert await one.get_or_load("g", "k", newest, LONG) in (b"new", b"newest")


async def test_what_is_held_is_not_believed_when_redis_is_not_heard_any_more() -> None:
    with own_server("redis") as server:
        deaf, writer = RedisCache(told("redis", server)), RedisCache(told("redis", server))
        await stored(deaf, "g", "k", b"old")
        server.signal(signal.SIGSTOP)
        await writer.invalidate("g")
        await settle()
        assert deaf.cached("g", "k") is None
        assert await deaf.get_or_load("g", "k", new, LONG) == b"new"
        server.signal(signal.SIGCONT)
        await deaf.close()
        await writer.close()


async def test_what_was_forgotten_while_the_news_were_cut_off_is_not_held_afterwards() -> None:
    with own_server("redis") as server:
        url = told("redis", server)
        cut, writer = RedisCache(url), RedisCache(url)
        await stored(cut, "g", "k", b"old")
        async with Redis.from_url(url) as redis:
            await redis.client_kill_filter(_type="pubsub")
        await writer.invalidate("g")
        await settle()
        assert await stored(cut, "g", "k", b"new") == b"new"
        await cut.close()
        await writer.close()


async def test_a_load_that_another_process_forgot_meanwhile_is_not_kept(
    hosts: tuple[RedisCache, RedisCache],
) -> None:
    one, other = hosts
    begun, gate = asyncio.Event(), asyncio.Event()

    async def slow() -> bytes:
        begun.set()
        await gate.wait()
        return b"old"

    reading = asyncio.create_task(one.get_or_load("g", "k", slow, LONG))
    await begun.wait()
    await other.invalidate("g")
    gate.set()
    await reading
    await one._storing
    assert await other.get_or_load("g", "k", new, LONG) == b"new"


async def test_a_flush_while_something_is_loaded_keeps_nothing_old(
    hosts: tuple[RedisCache, RedisCache],
) -> None:
    one, other = hosts

    async def flushed_meanwhile() -> bytes:
        async with Redis.from_url(address("REDIS_URL")) as redis:
            async for key in redis.scan_iter(match=one._client.key("*")):
                await redis.delete(key)
        return b"old"

    await one.get_or_load("g", "k", flushed_meanwhile, LONG)
    await one._storing
    assert await other.get_or_load("g", "k", new, LONG) == b"new"


async def test_while_redis_is_suspended_answers_are_loaded_and_nothing_forgotten_comes_back() -> None:
    with own_server("redis") as server:
        one, other = RedisCache(told("redis", server)), RedisCache(told("redis", server))
        await one.get_or_load("g", "k", old, LONG)
        await one._storing
        server.signal(signal.SIGSTOP)
        await one.invalidate("g")
        assert await one.get_or_load("g", "k", new, LONG) == b"new"
        assert await other.get_or_load("g", "k", new, LONG) == b"new"
        server.signal(signal.SIGCONT)
        assert await one.get_or_load("g", "k", new, LONG) == b"new"
        await one._publishing
        assert await other.get_or_load("g", "k", new, LONG) == b"new"
        assert await stored(one, "g", "k", b"new") == b"new"
        await one.close()
        await other.close()


async def test_with_redis_gone_for_good_everything_is_loaded() -> None:
    with own_server("redis") as server:
        cache = RedisCache(told("redis", server))
        await cache.get_or_load("g", "k", old, LONG)
        server.kill()
        await cache.invalidate("g")
        assert [await cache.get_or_load("g", "k", new, LONG) for _ in range(20)] == [b"new"] * 20
        await cache.close()


async def test_a_redis_that_is_full_evicts_and_nothing_is_wrong() -> None:
    with own_server("redis") as server:
        async with Redis.from_url(told("redis", server)) as redis:
            await redis.config_set("maxmemory", "4mb")
            await redis.config_set("maxmemory-policy", "allkeys-lru")
        cache = RedisCache(told("redis", server), capacity=0)

        async def load(number: int) -> bytes:
            return str(number).encode() * 2_000

        for number in [*range(1_000)] * 3:
            body = await cache.get_or_load(f"g{number}", "k", lambda number=number: load(number), LONG)
            assert body == str(number).encode() * 2_000
        async with Redis.from_url(told("redis", server)) as redis:
            assert (await redis.info("stats"))["evicted_keys"] > 0
        await cache.close()
