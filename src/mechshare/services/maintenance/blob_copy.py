"""Blobs on their way from one store to another, each of them read back."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Coroutine, Iterable
from enum import StrEnum
from hashlib import sha256
from typing import Any

from mechshare.domain.blobs import BlobFacts
from mechshare.domain.errors import MediaNotFound
from mechshare.ports.blobs import BlobStore

_CONCURRENCY = 4
"""Blobs under way together: between servers, most of the time goes by waiting."""


class Stage(StrEnum):
    CHECKING = "checking"
    BLOBS = "blobs"
    ROWS = "rows"
    VERIFYING = "verifying rows"


Progress = Callable[[Stage, int, int], None]
"""Hears of a stage, how much more of it is done, and how much it is in all."""


class ChecksumMismatch(Exception):
    """A blob was read back otherwise than it was written."""

    def __init__(self, key: str) -> None:
        super().__init__(
            f"The blob '{key}' was read back otherwise than it was written: check the destination."
        )


async def facts_of(store: BlobStore, key: str) -> BlobFacts | None:
    """What is there, read whole; None when there is no such blob."""
    digest, size = sha256(), 0
    try:
        async for chunk in store.read(key):
            digest.update(chunk)
            size += len(chunk)
    except MediaNotFound:
        return None
    return BlobFacts(key=key, size=size, sha256=digest.hexdigest())


async def transfer(source: BlobStore, destination: BlobStore, key: str) -> BlobFacts:
    """Writes the blob at the destination, and reads it back. Raises MediaNotFound, ChecksumMismatch."""
    digest = sha256()

    async def passing() -> AsyncIterator[bytes]:
        async for chunk in source.read(key):
            digest.update(chunk)
            yield chunk

    facts = await destination.write(key, passing())
    if not digest.hexdigest() == facts.sha256 or await facts_of(destination, key) != facts:
        raise ChecksumMismatch(key)
    return facts


async def each(keys: Iterable[str]) -> AsyncIterator[str]:
    for key in keys:
        yield key


async def for_each(keys: AsyncIterable[str], work: Callable[[str], Coroutine[Any, Any, None]]) -> None:
    """Some at a time; when one fails the others are ended, and its exception passes on."""
    batch: list[str] = []
    async for key in keys:
        batch.append(key)
        if len(batch) == _CONCURRENCY:
            await _together([work(key) for key in batch])
            batch = []
    await _together([work(key) for key in batch])


async def _together(work: list[Coroutine[Any, Any, None]]) -> None:
    tasks = [asyncio.ensure_future(part) for part in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
