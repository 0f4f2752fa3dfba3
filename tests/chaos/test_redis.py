"""Redis flushed all the time, too small, and gone: nothing is lost, it is only slower."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import redis.asyncio

from tests.chaos.clips import clip
from tests.chaos.installation import API, ended, installed, signed_up, upload


async def test_no_fault_of_redis_loses_anything(
    long: bool, figure: Callable[[str], None], tmp_path: Path
) -> None:
    count = 40 if long else 10
    ready: dict[str, int] = {}
    async with installed("distributed", tmp_path, own=["redis"], JOB_SLOTS="0") as installation:
        broken = installation.servers["redis"]
        with installation.serving() as server, installation.running("worker", "--slots", "2") as worker:
            await installation.ready()
            async with installation.visitor() as client:
                headers = await signed_up(client)
                async with redis.asyncio.Redis(port=broken.port) as connection:
                    async with _flushing(connection):
                        ready["flushed"] = await _shared(client, headers, count, "flushed")
                    await connection.config_set("maxmemory", "4mb")
                    await connection.config_set("maxmemory-policy", "allkeys-lru")
                    for number in range(5000):
                        await connection.set(f"junk:{number}", b"x" * 1000)
                    ready["evicted"] = await _shared(client, headers, count, "evicted")
                    evictions = (await connection.info("stats"))["evicted_keys"]
                await asyncio.to_thread(broken.kill)
                ready["gone"] = await _shared(client, headers, count, "gone")
            are_alive = server.is_running and worker.is_running
    figure(
        f"{3 * count - sum(ready.values())} lost of {3 * count}; nothing restarted; "
        + ", ".join(f"{name}: {n} of {count} ready and listed" for name, n in ready.items())
    )
    assert are_alive
    assert evictions > 0
    assert ready == dict.fromkeys(("flushed", "evicted", "gone"), count)


async def _shared(client: httpx.AsyncClient, headers: dict[str, str], count: int, word: str) -> int:
    """Uploads, processes and publishes clips; returns how many of them are then listed."""
    ids = []
    for seed in range(count):
        response = await upload(client, headers, clip(seed), f"{word} {seed}")
        assert response.status_code == 202, response.text
        ids.append(response.json()["id"])
    for id in ids:
        assert (await ended(client, headers, id))["state"] == "ready"
        response = await client.post(f"{API}/mechanisms/{id}/publish", headers=headers)
        assert response.status_code == 200, response.text
    listed = (await client.get(f"{API}/mechanisms", params={"limit": 100})).json()["items"]
    return len({one["id"] for one in listed} & set(ids))


@asynccontextmanager
async def _flushing(connection: "redis.asyncio.Redis") -> AsyncIterator[None]:
    """Sends FLUSHALL ten times a second."""

    async def flush() -> None:
        while True:
            await connection.flushall()
            await asyncio.sleep(0.1)

    flushing = asyncio.create_task(flush())
    try:
        yield
    finally:
        flushing.cancel()
