"""The file by which caches of one machine learn of invalidations may be lost: they then serve nothing older."""

import asyncio
import os
import shutil
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from mechshare.adapters.cache.memory import MemoryCache
from mechshare.adapters.shared_memory import CHECK_INTERVAL

LONG = timedelta(minutes=5)


def delete(file: Path) -> None:
    file.unlink()


def move_away(file: Path) -> None:
    file.rename(file.with_suffix(".old"))


def replace_by_nothing(file: Path) -> None:
    aside = file.with_suffix(".new")
    aside.touch()
    aside.rename(file)


def replace_by_a_copy(file: Path) -> None:
    aside = file.with_suffix(".new")
    shutil.copy2(file, aside)
    aside.rename(file)


def truncate(file: Path) -> None:
    os.truncate(file, 0)


def truncate_in_part(file: Path) -> None:
    os.truncate(file, 4_099)


def fill_with_zeros(file: Path) -> None:
    size = file.stat().st_size
    os.truncate(file, 0)
    os.truncate(file, size)


LOSSES = [
    delete,
    move_away,
    replace_by_nothing,
    replace_by_a_copy,
    truncate,
    truncate_in_part,
    fill_with_zeros,
]


def giving(body: bytes) -> Callable[[], Awaitable[bytes]]:
    async def load() -> bytes:
        return body

    return load


async def served(cache: MemoryCache) -> bytes:
    return await cache.get_or_load("g", "k", giving(b"new"), LONG)


@pytest.mark.parametrize("lose", LOSSES, ids=lambda lose: lose.__name__)
async def test_what_a_replaced_process_invalidates_is_served_by_none(
    lose: Callable[[Path], None], tmp_path: Path
) -> None:
    file = tmp_path / "generations"
    running = [MemoryCache(generation_table=file) for _ in range(2)]
    for cache in running:
        await cache.get_or_load("g", "k", giving(b"old"), LONG)

    lose(file)
    replacement = MemoryCache(generation_table=file)
    await replacement.invalidate("g")
    await asyncio.sleep(CHECK_INTERVAL)

    assert [await served(cache) for cache in (*running, replacement)] == [b"new"] * 3
    await running[0].invalidate("g")
    assert [cache.cached("g", "k") for cache in (*running, replacement)] == [None] * 3
    for cache in (*running, replacement):
        await cache.close()


@pytest.mark.parametrize("lose", LOSSES, ids=lambda lose: lose.__name__)
async def test_a_load_during_the_loss_is_not_stored(lose: Callable[[Path], None], tmp_path: Path) -> None:
    file = tmp_path / "generations"
    cache = MemoryCache(generation_table=file)

    async def overtaken() -> bytes:
        lose(file)
        replacement = MemoryCache(generation_table=file)
        await replacement.invalidate("g")
        await replacement.close()
        await asyncio.sleep(CHECK_INTERVAL)
        return b"old"

    assert await cache.get_or_load("g", "k", overtaken, LONG) == b"old"
    assert await served(cache) == b"new"
    await cache.close()


async def test_what_arrives_after_an_invalidation_by_another_process_gets_nothing_older(
    tmp_path: Path,
) -> None:
    one, other = (MemoryCache(generation_table=tmp_path / "generations") for _ in range(2))
    await other.get_or_load("g", "k", giving(b"old"), LONG)
    arrivals: list[bytes | None] = []

    assert other.cached("g", "k") == b"old"
    await one.invalidate("g")
    asyncio.get_running_loop().call_soon(lambda: arrivals.append(other.cached("g", "k")))
    await asyncio.sleep(0)

    assert arrivals == [None]
    for cache in (one, other):
        await cache.close()


async def test_an_invalidation_after_a_loss_reaches_all_processes(tmp_path: Path) -> None:
    file = tmp_path / "generations"
    one, other = (MemoryCache(generation_table=file) for _ in range(2))
    for _ in range(3):
        for cache in (one, other):
            await cache.get_or_load("g", "k", giving(b"old"), LONG)
        file.unlink()
        await one.invalidate("g")
        await asyncio.sleep(CHECK_INTERVAL)
        assert [await served(cache) for cache in (one, other)] == [b"new", b"new"]
    await one.close()
    await other.close()


async def test_without_the_file_nothing_is_cached_until_it_is_back(tmp_path: Path) -> None:
    file = tmp_path / "data" / "generations"
    cache = MemoryCache(generation_table=file)
    await cache.get_or_load("g", "k", giving(b"old"), LONG)
    with ExitStack() as stack:
        logs = stack.enter_context(capture_logs())
        file.parent.rename(tmp_path / "unmounted")
        for number in range(3):
            await asyncio.sleep(CHECK_INTERVAL)
            body = b"%d" % number
            assert await cache.get_or_load("g", "k", giving(body), LONG) == body
            assert cache.cached("g", "k") is None
        assert not file.parent.exists()
        (tmp_path / "unmounted").rename(file.parent)
        await asyncio.sleep(CHECK_INTERVAL)
        await cache.get_or_load("g", "k", giving(b"again"), LONG)
        assert cache.cached("g", "k") == b"again"
    assert [one["event"] for one in logs] == ["cache_generations_unavailable", "cache_generations_replaced"]
    await cache.close()


async def test_a_file_that_cannot_be_written_is_removed_so_that_no_process_relies_on_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "generations"
    one, other = (MemoryCache(generation_table=file) for _ in range(2))
    await other.get_or_load("g", "k", giving(b"old"), LONG)

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    await one.invalidate("g")
    assert not file.exists()
    monkeypatch.undo()
    await asyncio.sleep(CHECK_INTERVAL)
    assert await served(other) == b"new"
    await one.close()
    await other.close()
