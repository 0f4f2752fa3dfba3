"""Reads stored files for callers, exactly as they were recorded or not at all."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from datetime import timedelta
from hashlib import sha256

from mechshare.domain.blobs import BlobFile, BlobReference, Damage, MediaDamaged
from mechshare.domain.errors import MediaNotFound
from mechshare.ports.blobs import BlobStore, LocalFiles
from mechshare.services.support.file_verification import FileVerification

SAMPLED = 64
"""Of so many files that a process serves whole, it compares one with its digest."""


class StoredFiles:
    """`local` is the same store, if its blobs are files of this machine."""

    def __init__(
        self, blobs: BlobStore, verification: FileVerification, local: LocalFiles | None = None
    ) -> None:
        self._blobs = blobs
        self._local = local
        self._verification = verification
        self._served = itertools.count()

    async def find_intact_size(self, reference: BlobReference) -> int | None:
        """Returns the size in bytes if the file may be served: no damage is known, and its size is the recorded one."""
        if reference.damage is not None:
            return None
        size = await self._blobs.stat(reference.key)
        return size if reference.size in (None, size) else None

    async def size_of(self, reference: BlobReference) -> int:
        """Returns the size in bytes. Raises MediaNotFound for a lost file, and MediaDamaged for an altered one, whose
        damage it stores."""
        size = await self._blobs.stat(reference.key)
        if size is None or reference.damage is Damage.MISSING:
            raise MediaNotFound()
        if reference.size not in (None, size):
            await self._verification.verify(reference)
            raise MediaDamaged()
        if reference.damage is not None:
            raise MediaDamaged()
        return size

    async def link(self, key: str, lifetime: timedelta, content_type: str, disposition: str) -> str | None:
        """Returns a temporary URL at which the store itself serves the file; None if the store has none."""
        return await self._blobs.link(key, lifetime, content_type, disposition)

    def file(self, key: str) -> BlobFile | None:
        """Returns where the file is on this machine; None if the store has no such files."""
        return self._local.file(key) if self._local else None

    async def intact_file(self, key: str, size: int) -> BlobFile | None:
        """Returns the file for a server that sends it whole itself; None if this process must read it.

        It must read one of SAMPLED files, to compare it with its digest, and a file that is lost or not `size` bytes
        long, to say so.
        """
        file = self.file(key)
        if file is None or next(self._served) % SAMPLED == 0 or await self._blobs.stat(key) != size:
            return None
        return file

    async def read(self, key: str, start: int, end: int, *, whole: str = "") -> AsyncIterator[bytes]:
        """Yields exactly the bytes from `start` (included) to `end` (excluded).

        `whole` is the SHA-256 of these bytes if they are a whole file; one of SAMPLED such reads compares it. Raises
        MediaNotFound at the first step. Raises MediaDamaged if bytes are missing or differ, before the last ones are
        yielded, so that no response to damaged bytes looks complete; it stores the damage.
        """
        chunks = self._blobs.read(key, start, end)
        if whole and next(self._served) % SAMPLED == 0:
            chunks = self._compared(key, chunks, whole)
        missing = end - start
        async for chunk in chunks:
            missing -= len(chunk)
            yield chunk
        if missing > 0:
            await self._verification.verify_key(key)
            raise MediaDamaged()

    async def _compared(self, key: str, chunks: AsyncIterator[bytes], whole: str) -> AsyncIterator[bytes]:
        """Yields the same chunks, the last one only if the SHA-256 of all is `whole`."""
        digest, last = sha256(), b""
        async for chunk in chunks:
            await asyncio.to_thread(digest.update, chunk)
            if last:
                yield last
            last = chunk
        if digest.hexdigest() != whole:
            await self._verification.verify_key(key)
            raise MediaDamaged()
        yield last
