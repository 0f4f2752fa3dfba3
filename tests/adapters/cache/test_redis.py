"""The Redis cache while Redis is shared, flushed, suspended or gone: faults make it slower, never stale."""

import asyncio
import signal
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from mechshare.adapters.cache.redis import RedisCache
from mechshare.ports.cache import STALENESS, CacheKey, Load
from mechshare.testing.cache import stored
from tests.servers import SERVER_TIMEOUT, address, client_url, own_server, redis_url

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
    one, other = (RedisCache(url, timeout=SERVER_TIMEOUT) for _ in range(2))
    yield one, other
    await one.close()
    await other.close()


def all_of(body: bytes) -> Load:
    async def load(names: Sequence[CacheKey]) -> Sequence[bytes]:
        return [body] * len(names)

    return load


async def settle() -> None:
    """Waits for as long as another process may serve invalidated entries."""
    await asyncio.sleep(STALENESS.total_seconds())


async def test_an_entry_loaded_by_one_process_is_found_by_another(
    hosts: tuple[RedisCache, RedisCache],
) -> None:
    one, other = hosts
    await one.get_or_load("g", "k", new, LONG)
    await one._storing
    assert await other.get_or_load("g", "k", mine, LONG) == b"new"


async def test_entries_of_a_batch_load_stay_in_the_process(
    hosts: tuple[RedisCache, RedisCache],
) -> None:
    one, other = hosts
    await one.get_or_load_many([("g", "k")], all_of(b"one's"), LONG)
    assert await other.get_or_load_many([("g", "k")], all_of(b"the other's"), LONG) == [b"the other's"]
    async with Redis.from_url(address("REDIS_URL")) as redis:
        assert not await redis.exists(one._client.key("g"))


async def test_entries_of_a_batch_load_are_invalidated_in_all_processes(
    hosts: tuple[RedisCache, RedisCache],
) -> None:
    one, other = hosts
    for cache in hosts:
        await cache.get_or_load_many([("g", "a"), ("h", "a")], all_of(b"old"), LONG)
    await one.invalidate("g")
    assert await one.get_or_load_many([("g", "a")], all_of(b"new"), LONG) == [b"new"]
    await settle()
    await stored(other, "another tag", "k", b"received")  # it listens, and nothing delays it meanwhile
    assert await other.get_or_load_many([("g", "a"), ("h", "a")], all_of(b"new"), LONG) == [b"new", b"old"]


async def test_a_batch_load_invalidated_meanwhile_is_not_stored(
    hosts: tuple[RedisCache, RedisCache],
) -> None:
    one, other = hosts

    async def invalidated_meanwhile(names: Sequence[CacheKey]) -> Sequence[bytes]:
        await other.invalidate("g")
        await settle()
        return [b"old"] * len(names)

    await one.get_or_load_many([("g", "k")], invalidated_meanwhile, LONG)
    assert await one.get_or_load_many([("g", "k")], all_of(b"new"), LONG) == [b"new"]


async def test_a_batch_load_is_not_shared_while_redis_is_silent() -> None:
    with own_server("redis") as server:
        disconnected, writer = (
            RedisCache(client_url("redis", server)),
            RedisCache(client_url("redis", server)),
        )
        await stored(disconnected, "g", "another key", b"received")
        begun, gate = asyncio.Event(), asyncio.Event()

        async def slow(names: Sequence[CacheKey]) -> Sequence[bytes]:
            begun.set()
            await gate.wait()
            return [b"old"] * len(names)

        reading = asyncio.create_task(disconnected.get_or_load_many([("g", "k")], slow, LONG))
        await begun.wait()
        server.signal(signal.SIGSTOP)
        await writer.invalidate("g")
        await settle()
        async with asyncio.timeout(60):
            assert await disconnected.get_or_load_many([("g", "k")], all_of(b"new"), LONG) == [b"new"]
        gate.set()
        assert await reading == [b"old"]
        server.signal(signal.SIGCONT)
        await disconnected.close()
        await writer.close()


async def test_no_entry_is_built_from_one_whose_invalidation_was_missed(
    hosts: tuple[RedisCache, RedisCache],
) -> None:
    one, disconnected = hosts
    await disconnected.get_or_load("g", "part", old, LONG)
    await one.get_or_load("g", "other", old, LONG)
    await disconnected._listener.close()
    disconnected._listener._current_until = float("inf")
    await one.invalidate("g")
    assert disconnected.cached("g", "part") == b"old"

    async def whole() -> bytes:
        return b"of " + await disconnected.get_or_load("g", "part", new, LONG, fresh=True)

    assert await disconnected.get_or_load("g", "whole", whole, LONG) == b"of new"


async def test_an_invalidation_reaches_all_processes(hosts: tuple[RedisCache, RedisCache]) -> None:
    one, other = hosts
    await stored(one, "g", "k", b"old")
    await stored(other, "g", "k", b"old")
    await other.invalidate("g")
    assert await other.get_or_load("g", "k", new, LONG) == b"new"
    await settle()
    assert one.cached("g", "k") != b"old"
    assert await one.get_or_load("g", "k", newest, LONG) in (b"new", b"newest")


async def test_local_entries_are_not_served_while_redis_is_silent() -> None:
    with own_server("redis") as server:
        disconnected, writer = (
            RedisCache(client_url("redis", server)),
            RedisCache(client_url("redis", server)),
        )
        await stored(disconnected, "g", "k", b"old")
        server.signal(signal.SIGSTOP)
        await writer.invalidate("g")
        await settle()
        assert disconnected.cached("g", "k") is None
        assert await disconnected.get_or_load("g", "k", new, LONG) == b"new"
        server.signal(signal.SIGCONT)
        await disconnected.close()
        await writer.close()


async def test_entries_invalidated_while_the_listener_was_disconnected_are_dropped() -> None:
    with own_server("redis") as server:
        url = client_url("redis", server)
        cut, writer = RedisCache(url), RedisCache(url)
        await stored(cut, "g", "k", b"old")
        async with Redis.from_url(url) as redis:
            await redis.client_kill_filter(_type="pubsub")
        await writer.invalidate("g")
        await settle()
        assert await stored(cut, "g", "k", b"new") == b"new"
        await cut.close()
        await writer.close()


async def test_a_load_invalidated_meanwhile_is_not_stored(
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


async def test_a_load_during_a_flush_is_not_stored(
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


async def test_while_redis_is_suspended_values_are_loaded_and_stay_invalidated() -> None:
    with own_server("redis") as server:
        one, other = RedisCache(client_url("redis", server)), RedisCache(client_url("redis", server))
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


async def test_without_redis_every_value_is_loaded() -> None:
    with own_server("redis") as server:
        cache = RedisCache(client_url("redis", server))
        await cache.get_or_load("g", "k", old, LONG)
        server.kill()
        await cache.invalidate("g")
        assert [await cache.get_or_load("g", "k", new, LONG) for _ in range(20)] == [b"new"] * 20
        await cache.close()


async def test_a_full_redis_evicts_and_values_stay_correct() -> None:
    with own_server("redis") as server:
        async with Redis.from_url(client_url("redis", server)) as redis:
            await redis.config_set("maxmemory", "4mb")
            await redis.config_set("maxmemory-policy", "allkeys-lru")
        cache = RedisCache(client_url("redis", server), capacity=0)

        async def load(number: int) -> bytes:
            return str(number).encode() * 2_000

        for number in [*range(1_000)] * 3:
            body = await cache.get_or_load(f"g{number}", "k", lambda number=number: load(number), LONG)
            assert body == str(number).encode() * 2_000
        async with Redis.from_url(client_url("redis", server)) as redis:
            assert (await redis.info("stats"))["evicted_keys"] > 0
        await cache.close()
