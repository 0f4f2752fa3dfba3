"""The contract suite of blob stores."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest

from mechshare.domain.errors import MediaNotFound
from mechshare.ports.blobs import BlobStore
from mechshare.testing.bounds import bounded

KEY = "originals/a-1.mp4"


async def pieces(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def read(blobs: BlobStore, key: str, *span: Any) -> bytes:
    return b"".join([chunk async for chunk in blobs.read(key, *span)])


async def keys(blobs: BlobStore, prefix: str = "") -> list[str]:
    return [key async for key in blobs.list(prefix)]


async def test_a_blob_is_read_as_it_was_written(blobs: BlobStore) -> None:
    facts = await blobs.write(KEY, pieces(b"ab", b"", b"cde"))
    assert await read(blobs, KEY) == b"abcde"
    assert (facts.key, facts.size, facts.sha256) == (KEY, 5, sha256(b"abcde").hexdigest())
    assert await blobs.stat(KEY) == 5


async def test_an_empty_blob_exists(blobs: BlobStore) -> None:
    facts = await blobs.write(KEY, pieces())
    assert (facts.size, await blobs.stat(KEY), await read(blobs, KEY)) == (0, 0, b"")


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (0, 1, b"a"),
        (2, 4, b"cd"),
        (4, None, b"e"),
        (3, 99, b"de"),
        (5, None, b""),
        (99, None, b""),
        (2, 2, b""),
    ],
)
async def test_a_range_includes_its_start_and_excludes_its_end(
    blobs: BlobStore, start: int, end: int | None, expected: bytes
) -> None:
    await blobs.write(KEY, pieces(b"abcde"))
    assert await read(blobs, KEY, start, end) == expected


async def test_large_blobs_come_in_small_chunks(blobs: BlobStore) -> None:
    content = bytes(range(256)) * 4096 * 3
    await blobs.write(KEY, pieces(*[content[i : i + 70_000] for i in range(0, len(content), 70_000)]))
    chunks = [chunk async for chunk in blobs.read(KEY)]
    assert b"".join(chunks) == content
    assert max(map(len, chunks)) <= 256 * 1024


async def test_a_blob_is_invisible_until_it_is_complete(blobs: BlobStore) -> None:
    seen: list[int | None] = []

    async def watching() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"x" * 2_000_000
            seen.append(await blobs.stat(KEY))

    await blobs.write(KEY, watching())
    assert seen == [None, None, None]


async def test_a_failed_write_leaves_nothing(blobs: BlobStore) -> None:
    async def failing() -> AsyncIterator[bytes]:
        yield b"x" * 2_000_000
        raise ConnectionResetError("the sender hung up")

    with pytest.raises(ConnectionResetError):
        await blobs.write(KEY, failing())
    assert await blobs.stat(KEY) is None
    assert await keys(blobs) == []


async def test_a_cancelled_write_leaves_nothing(blobs: BlobStore) -> None:
    started = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        yield b"x" * 2_000_000
        started.set()
        await asyncio.Event().wait()

    writing = asyncio.create_task(blobs.write(KEY, endless()))
    async with bounded():
        await started.wait()
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        async with bounded():
            await writing
    assert await keys(blobs) == []


async def test_writing_again_replaces_the_whole_blob(blobs: BlobStore) -> None:
    await blobs.write(KEY, pieces(b"long content"))
    await blobs.write(KEY, pieces(b"new"))
    assert await read(blobs, KEY) == b"new"


async def test_an_absent_blob_differs_from_an_empty_one(blobs: BlobStore) -> None:
    assert await blobs.stat(KEY) is None
    with pytest.raises(MediaNotFound):
        await read(blobs, KEY)


async def test_a_blob_has_the_time_of_its_last_write(blobs: BlobStore) -> None:
    assert await blobs.written_at(KEY) is None
    await blobs.write(KEY, pieces(b"old"))
    first = await blobs.written_at(KEY)
    await blobs.write(KEY, pieces(b"new"))
    second = await blobs.written_at(KEY)
    assert first is not None
    assert second is not None
    assert first.utcoffset() == timedelta(0)
    assert first <= second
    assert abs(datetime.now(UTC) - second) < timedelta(
        hours=1
    )  # catches local time labelled as UTC, and the epoch
    await blobs.delete(KEY)
    assert await blobs.written_at(KEY) is None


async def test_deleting_a_deleted_blob_does_nothing(blobs: BlobStore) -> None:
    await blobs.write(KEY, pieces(b"x"))
    await blobs.delete(KEY)
    await blobs.delete(KEY)
    assert await blobs.stat(KEY) is None


async def test_deleting_one_leaves_its_neighbours(blobs: BlobStore) -> None:
    for name in ("media/m/1.mp4", "media/m/2.mp4"):
        await blobs.write(name, pieces(b"x"))
    await blobs.delete("media/m/1.mp4")
    assert await keys(blobs) == ["media/m/2.mp4"]


async def test_keys_are_listed_by_prefix_in_order(blobs: BlobStore) -> None:
    for name in ("media/b/2.mp4", "media/a/1.mp4", "media/ab.mp4", "originals/c.gif", "media/a/0.webp"):
        await blobs.write(name, pieces(b"x"))
    assert await keys(blobs, "media/a/") == ["media/a/0.webp", "media/a/1.mp4"]
    assert await keys(blobs, "media/a") == ["media/a/0.webp", "media/a/1.mp4", "media/ab.mp4"]
    assert await keys(blobs) == sorted(await keys(blobs))


async def test_the_order_is_that_of_whole_keys(blobs: BlobStore) -> None:
    names = ["a-b", "a.b", "a/b", "a/b-c/d", "a/b/c", "a0", "a_b", "b"]
    for name in reversed(names):
        await blobs.write(name, pieces(b"x"))
    assert names == sorted(names)
    assert await keys(blobs) == names
    assert await keys(blobs, "a/b") == ["a/b", "a/b-c/d", "a/b/c"]


async def test_a_key_may_be_the_prefix_of_another_key(blobs: BlobStore) -> None:
    await blobs.write("a/b", pieces(b"inner"))
    assert await blobs.stat("a") is None
    with pytest.raises(MediaNotFound):
        await read(blobs, "a")
    await blobs.delete("a")

    await blobs.write("a", pieces(b"outer"))
    await blobs.write("a/b/c", pieces(b"innermost"))

    assert [await read(blobs, key) for key in ("a", "a/b", "a/b/c")] == [b"outer", b"inner", b"innermost"]
    await blobs.delete("a")
    assert await keys(blobs) == ["a/b", "a/b/c"]


@pytest.mark.parametrize(
    "prefix", ["..", "../", "/", "/etc/", "a/../", "a//", "./", "\x00/", "b/", "A", "あ"]
)
async def test_a_prefix_without_blobs_lists_nothing(blobs: BlobStore, prefix: str) -> None:
    await blobs.write("a/b", pieces(b"x"))
    assert await keys(blobs, prefix) == []


async def test_many_blobs_are_listed(blobs: BlobStore) -> None:
    names = [f"media/{number % 3}/{number:04}.mp4" for number in range(1_100)]
    for start in range(0, len(names), 100):
        async with bounded():
            await asyncio.gather(*(blobs.write(name, pieces(b"x")) for name in names[start : start + 100]))
    assert await keys(blobs, "media/") == sorted(names)


@pytest.mark.parametrize(
    "key", ["", "/etc/passwd", "../x", "a/../b", "a//b", "A.mp4", "a/", ".hidden", "a\x00b", "あ"]
)
async def test_an_invalid_key_is_refused_by_every_method(blobs: BlobStore, key: str) -> None:
    with pytest.raises(ValueError, match="not a blob key"):
        await blobs.write(key, pieces(b"x"))
    with pytest.raises(ValueError, match="not a blob key"):
        await read(blobs, key)
    with pytest.raises(ValueError, match="not a blob key"):
        await blobs.stat(key)
    with pytest.raises(ValueError, match="not a blob key"):
        await blobs.written_at(key)
    with pytest.raises(ValueError, match="not a blob key"):
        await blobs.delete(key)


async def test_concurrent_writers_and_deleters_do_not_interfere(blobs: BlobStore) -> None:
    async def write_and_delete(number: int) -> None:
        for _ in range(10):
            await blobs.write(f"media/shared/{number}.mp4", pieces(b"x"))
            await blobs.delete(f"media/shared/{number}.mp4")
        await blobs.write(f"media/shared/{number}.mp4", pieces(b"kept"))

    async with bounded():
        await asyncio.gather(*(write_and_delete(number) for number in range(8)))
    assert await keys(blobs, "media/shared/") == [f"media/shared/{number}.mp4" for number in range(8)]
