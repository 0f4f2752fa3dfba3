"""Moving a whole installation to other stores: files first, then the rows that name them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Any

from mechshare.domain.errors import MediaNotFound
from mechshare.ports.blobs import BlobStore
from mechshare.ports.persistence import CopyRefused, DatabaseCopy, TableCopied

_AT_ONCE = 4
"""Blobs under way together: between servers, most of the time goes by waiting."""


class Stage(StrEnum):
    BLOBS = "blobs"
    ROWS = "rows"
    VERIFYING = "verifying rows"


Progress = Callable[[Stage, int, int], None]
"""Hears of a stage, how much more of it is done, and how much it is in all."""


@dataclass(slots=True, kw_only=True)
class BlobsCopied:
    """`already` were there and equal; `size` is of them all, in bytes; `others` are none of the source's."""

    copied: int = 0
    already: int = 0
    others: int = 0
    size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """What is on both sides now; None for what was not asked for."""

    tables: tuple[TableCopied, ...] | None
    blobs: BlobsCopied | None


class CopyService:
    def __init__(self, rows: DatabaseCopy | None, blobs: tuple[BlobStore, BlobStore] | None) -> None:
        """`rows`, `blobs` (source, destination): None for what is not to be copied."""
        self._rows = rows
        self._blobs = blobs

    async def copy(self, progress: Progress) -> Copied:
        """Copies what is not there yet, and compares all of it. Begun again after any end, it ends with the same.

        Raises CopyRefused, OutOfSpace and Unavailable.
        """
        totals = await self._rows.prepare() if self._rows else {}
        rows = sum(totals.values())
        blobs = await _copy_blobs(*self._blobs, progress) if self._blobs else None
        tables = None
        if self._rows:
            await self._rows.copy(lambda more: progress(Stage.ROWS, more, rows))
            tables = await self._rows.verify(lambda more: progress(Stage.VERIFYING, more, rows))
        return Copied(tables=tables, blobs=blobs)


async def _copy_blobs(source: BlobStore, destination: BlobStore, progress: Progress) -> BlobsCopied:
    await destination.prepare()
    total = await _count(source)
    progress(Stage.BLOBS, 0, total)
    done = BlobsCopied()

    async def copy(key: str) -> None:
        size, is_new = await _copy_blob(source, destination, key)
        done.copied += is_new
        done.already += not is_new
        done.size += size
        progress(Stage.BLOBS, 1, total)

    batch: list[str] = []
    async for key in source.list(""):
        batch.append(key)
        if len(batch) == _AT_ONCE:
            await _together([copy(key) for key in batch])
            batch = []
    await _together([copy(key) for key in batch])
    done.others = await _count(destination) - done.copied - done.already
    return done


async def _copy_blob(source: BlobStore, destination: BlobStore, key: str) -> tuple[int, bool]:
    """Its size, and whether it had to be written."""
    size = await source.stat(key)
    if size is None:
        raise _gone(key)
    if await destination.stat(key) == size:
        wanted = await _digest_of(source, key)
        if await _digest_of(destination, key) == wanted:
            return size, False
    digest = sha256()

    async def passing() -> AsyncIterator[bytes]:
        async for chunk in source.read(key):
            digest.update(chunk)
            yield chunk

    try:
        facts = await destination.write(key, passing())
    except MediaNotFound as problem:
        raise _gone(key) from problem
    if not facts.sha256 == digest.hexdigest() == await _digest_of(destination, key):
        raise CopyRefused(
            f"The blob '{key}' was read back otherwise than it was written: check the destination."
        )
    return facts.size, True


async def _digest_of(store: BlobStore, key: str) -> str:
    digest = sha256()
    async for chunk in store.read(key):
        digest.update(chunk)
    return digest.hexdigest()


async def _count(store: BlobStore) -> int:
    count = 0
    async for _ in store.list(""):
        count += 1
    return count


def _gone(key: str) -> CopyRefused:
    return CopyRefused(
        f"The blob '{key}' went away: stop whatever uses the source, and start the copy again."
    )


async def _together(work: list[Coroutine[Any, Any, None]]) -> None:
    """All of it; when one part fails the others are ended, and its exception passes on."""
    tasks = [asyncio.ensure_future(part) for part in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
