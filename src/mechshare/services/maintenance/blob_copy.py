"""Copies blobs between stores and reads each copy back."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Coroutine, Iterable
from enum import StrEnum
from hashlib import sha256
from typing import Any

from mechshare.domain.blobs import BlobFacts
from mechshare.ports.blobs import BlobStore
from mechshare.services.support.blob_facts import facts_of

_CONCURRENCY = 4
"""Blobs copied at the same time: between servers, most of the time is spent waiting."""


class Stage(StrEnum):
    CHECKING = "checking"
    BLOBS = "blobs"
    ROWS = "rows"
    VERIFYING = "verifying rows"


Progress = Callable[[Stage, int, int], None]
"""Receives the stage, how much more of it is done since the last call, and its total."""


class ChecksumMismatch(Exception):
    """The content of a blob differs from what was written."""

    def __init__(self, key: str) -> None:
        super().__init__(
            f"The blob '{key}' was read back with other content than was written: check the destination."
        )


async def transfer(source: BlobStore, destination: BlobStore, key: str) -> BlobFacts:
    """Writes the blob to the destination and reads it back. Raises MediaNotFound and ChecksumMismatch."""
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
    """Runs `work` for each key, `_CONCURRENCY` at a time. If one fails, cancels the others and raises its exception."""
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
