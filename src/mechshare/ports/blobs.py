"""Where files are kept."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Protocol

from mechshare.domain.blobs import BlobFacts


class BlobStore(Protocol):
    """Named, immutable sequences of bytes. Keys satisfy `mechshare.domain.blobs.is_blob_key`; others raise ValueError.

    Every method raises Unavailable when the store does not answer.
    """

    async def write(self, key: str, chunks: AsyncIterator[bytes]) -> BlobFacts:
        """Durable when it returns: a power cut later loses nothing of it.

        Nothing is to be seen under `key` before the last chunk was taken. If `chunks` raises, or the task is
        cancelled, nothing is left behind and the exception passes on. Writing a key again replaces it whole.
        Memory use does not grow with the file. Raises OutOfSpace, leaving nothing.
        """

    def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """The bytes from `start` (included) to `end` (excluded; None: to the last) in chunks of at most 256 KiB.

        Raises MediaNotFound at the first step when there is no such blob. A range beyond the end gives what there is.
        """

    async def stat(self, key: str) -> int | None:
        """The size in bytes; None when there is no such blob."""

    async def written_at(self, key: str) -> datetime | None:
        """When it was last written, by the store's clock; None when there is no such blob."""

    async def delete(self, key: str) -> None:
        """Afterwards there is no such blob, whether or not there was one. Readers under way may finish or fail."""

    def list(self, prefix: str) -> AsyncIterator[str]:
        """The keys that begin with `prefix`, in code point order."""

    async def link(self, key: str, lifetime: timedelta, content_type: str, disposition: str) -> str | None:
        """An address from which whoever has it may fetch the blob itself, as this type and disposition, for a while.

        None where the store hands out none: then its bytes go through `read`.
        """

    async def prepare(self) -> None:
        """Makes what has to be there before the first `write`; no-op when it is."""

    async def close(self) -> None:
        """Gives back what the adapter holds."""
