"""Blobs in the memory of this process."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from mechshare.domain.blobs import BlobFacts, is_blob_key
from mechshare.domain.errors import MediaNotFound

_CHUNK = 256 * 1024


class MemoryBlobStore:
    def __init__(self) -> None:
        self._blobs: dict[str, bytes] = {}
        self._times: dict[str, datetime] = {}

    async def write(self, key: str, chunks: AsyncIterator[bytes]) -> BlobFacts:
        _check(key)
        content = b"".join([chunk async for chunk in chunks])
        self._blobs[key] = content
        self._times[key] = datetime.now(UTC)
        return BlobFacts(key=key, size=len(content), sha256=sha256(content).hexdigest())

    async def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        _check(key)
        content = self._blobs.get(key)
        if content is None:
            raise MediaNotFound()
        selected = content[start:end]
        for offset in range(0, len(selected), _CHUNK):
            yield selected[offset : offset + _CHUNK]

    async def stat(self, key: str) -> int | None:
        _check(key)
        content = self._blobs.get(key)
        return None if content is None else len(content)

    async def written_at(self, key: str) -> datetime | None:
        _check(key)
        return self._times.get(key)

    async def delete(self, key: str) -> None:
        _check(key)
        self._blobs.pop(key, None)
        self._times.pop(key, None)

    async def list(self, prefix: str) -> AsyncIterator[str]:
        for key in sorted(self._blobs):
            if key.startswith(prefix):
                yield key

    async def link(self, key: str, lifetime: timedelta, content_type: str, disposition: str) -> str | None:
        return None

    async def prepare(self) -> None:
        """Does nothing: memory needs no preparation."""

    async def close(self) -> None:
        """Does nothing: only memory is in use."""


def _check(key: str) -> None:
    if not is_blob_key(key):
        raise ValueError(f"not a blob key: {key!r}")
