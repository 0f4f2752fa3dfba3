"""Measures the content of a stored file."""

import asyncio
from hashlib import sha256

from mechshare.domain.blobs import BlobFacts
from mechshare.domain.errors import MediaNotFound
from mechshare.ports.blobs import BlobStore


async def facts_of(store: BlobStore, key: str, *, max_rate: float | None = None) -> BlobFacts | None:
    """Reads the whole blob; returns its size and SHA-256, or None if there is no such blob.

    `max_rate` is in bytes per second.
    """
    digest, size = sha256(), 0
    loop = asyncio.get_running_loop()
    started = loop.time()
    try:
        async for chunk in store.read(key):
            await asyncio.to_thread(digest.update, chunk)
            size += len(chunk)
            if max_rate:
                await asyncio.sleep(max(0.0, started + size / max_rate - loop.time()))
    except MediaNotFound:
        return None
    return BlobFacts(key=key, size=size, sha256=digest.hexdigest())
