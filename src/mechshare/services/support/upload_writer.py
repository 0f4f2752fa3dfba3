"""Writes the bytes of one request to an upload."""

import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta

from mechshare.domain.errors import BodyTooLarge
from mechshare.domain.uploads import Checksum, ChecksumMismatch, Upload, UploadNotFound
from mechshare.ports.clock import Clock
from mechshare.ports.disks import Disks
from mechshare.ports.uploads import UploadStore
from mechshare.services.support.disk_room import require_disk_room
from mechshare.services.transactions import Transactions

SLICE_BYTES = 4 * 1024 * 1024
SLICE_SECONDS = timedelta(seconds=5)
"""What arrived is made durable and acknowledged in the database after so many bytes, and at least so often: a crash of
the server loses no more than that."""


class UploadWriter:
    """Appends to `upload`, as claimed for this request, and counts in the database what is durable.

    Bytes with a checksum are counted only when all of them have arrived and match it.
    """

    def __init__(
        self,
        transactions: Transactions,
        store: UploadStore,
        disks: Disks,
        clock: Clock,
        upload: Upload,
        checksum: Checksum | None,
    ) -> None:
        self.upload = upload
        self._transactions = transactions
        self._store = store
        self._disks = disks
        self._clock = clock
        self._checksum = checksum
        # Algorithms that are broken for signatures still find transmission errors.
        self._digest = hashlib.new(checksum.algorithm, usedforsecurity=False) if checksum else None
        self._buffer = bytearray()
        self._stored_at = clock.now()

    async def write_all(self, chunks: AsyncIterator[bytes]) -> None:
        """Appends all chunks. If `chunks` raises, what had arrived stays, unless it has a checksum.

        Raises ChecksumMismatch, UnsupportedFile, UploadTakenOver, UploadNotFound, BodyTooLarge for more bytes than
        remain, OutOfSpace, Unavailable, and what `chunks` raises.
        """
        while True:
            try:
                chunk = await anext(chunks, None)
            except BaseException:
                if self._checksum is None:
                    await self._store_buffer()
                raise
            if chunk is None:
                return await self._complete()
            await self._add(chunk)

    async def _add(self, chunk: bytes) -> None:
        if len(self._buffer) + len(chunk) > self.upload.remaining:
            raise BodyTooLarge(limit=self.upload.remaining)
        self._buffer += chunk
        is_due = self._clock.now() >= self._stored_at + SLICE_SECONDS
        if is_due or len(self._buffer) >= SLICE_BYTES:
            await self._store_buffer()

    async def _complete(self) -> None:
        await self._store_buffer()
        if self._checksum is not None and self._digest is not None:
            if self._digest.digest() != self._checksum.digest:
                raise ChecksumMismatch()
            await self._count()

    async def _store_buffer(self) -> None:
        """Makes the bytes durable that arrived since the last call, then counts them."""
        content, before = bytes(self._buffer), self.upload
        self._buffer.clear()
        self._stored_at = self._clock.now()
        if not content:
            return
        if self._digest is not None:
            self._digest.update(content)
        extended = before.extended(content, self._stored_at)
        await require_disk_room(self._disks)
        await self._store.append(before.id, before.fence, before.received, content)
        self.upload = extended
        if self._checksum is None:
            await self._count()

    async def _count(self) -> None:
        async with self._transactions.begin() as tx:
            stored = await tx.uploads.find_by_id(self.upload.id)
            if stored is None:
                raise UploadNotFound()
            stored.require_fence(self.upload.fence)
            await tx.uploads.save(self.upload)
