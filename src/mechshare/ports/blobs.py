"""The store of files."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Protocol

from mechshare.domain.blobs import BlobFacts, BlobFile


class BlobStore(Protocol):
    """Named, immutable sequences of bytes. Keys satisfy `mechshare.domain.blobs.is_blob_key`; others raise ValueError.

    Every method raises Unavailable if the store does not respond, or if the place that `prepare` created is missing:
    a lost folder, bucket or container must not look like a store without blobs.
    """

    async def write(self, key: str, chunks: AsyncIterator[bytes]) -> BlobFacts:
        """Stores the blob durably: after this returns, a power failure loses none of it.

        The blob is invisible until the last chunk is written. If `chunks` raises or the task is cancelled, nothing is
        stored and the exception is re-raised. Writing an existing key replaces the whole blob. Memory use is
        independent of the size. Raises OutOfSpace, storing nothing.
        """

    def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """Yields the bytes from `start` (included) to `end` (excluded; None: to the last) in chunks of at most 256 KiB.

        Raises MediaNotFound at the first step if there is no such blob. A range beyond the end is cut to the blob's
        size.
        """

    async def stat(self, key: str) -> int | None:
        """Returns the size in bytes; None if there is no such blob."""

    async def written_at(self, key: str) -> datetime | None:
        """Returns when the blob was last written, by the store's clock; None if there is no such blob."""

    async def delete(self, key: str) -> None:
        """Deletes the blob; no-op if there is none. Concurrent reads may finish or fail."""

    def list(self, prefix: str) -> AsyncIterator[str]:
        """Yields the keys that begin with `prefix`, in code point order."""

    async def link(self, key: str, lifetime: timedelta, content_type: str, disposition: str) -> str | None:
        """Returns a URL at which anyone can read the blob for `lifetime`, served with this type and disposition.

        None if the store has no such URLs; then callers use `read`.
        """

    async def prepare(self) -> None:
        """Creates what the first `write` needs; no-op if it exists."""

    async def close(self) -> None:
        """Releases the adapter's resources."""


class LocalFiles(Protocol):
    """A store whose blobs are files of this machine."""

    def file(self, key: str) -> BlobFile:
        """Returns where the blob is or would be. Raises ValueError for an invalid key."""
