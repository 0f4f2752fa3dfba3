"""Receives uploaded files."""

from collections.abc import AsyncIterator, Callable

from mechshare.domain.accepted_files import require_format
from mechshare.domain.attachments import ReceivedFile
from mechshare.domain.blobs import ANY_EXTENSION, BlobFacts, original_key
from mechshare.domain.errors import FileTooLarge
from mechshare.domain.file_types import type_of
from mechshare.domain.media import SNIFF_BYTES, MediaFormat
from mechshare.domain.originals import OriginalFile
from mechshare.domain.policy import require_permission
from mechshare.domain.thumbnails import require_thumbnail_format
from mechshare.domain.users import Actor, Permission
from mechshare.ports.blobs import BlobStore
from mechshare.ports.disks import Disks
from mechshare.ports.ids import IdSource
from mechshare.services.support.disk_room import require_disk_room
from mechshare.services.support.file_names import shown_name
from mechshare.services.support.reservations import OpenReservation, Reservations

_DISK_CHECK_BYTES = 4 * 1024 * 1024
"""Bytes received between two checks of the disk."""


class UploadService:
    """Stores uploads of at most `max_bytes` bytes, within the quotas of users and the room of the disks."""

    def __init__(
        self, blobs: BlobStore, disks: Disks, ids: IdSource, reservations: Reservations, max_bytes: int
    ) -> None:
        self._blobs = blobs
        self._disks = disks
        self._ids = ids
        self._reservations = reservations
        self.max_bytes = max_bytes

    async def receive(
        self,
        actor: Actor,
        chunks: AsyncIterator[bytes],
        name: str,
        *,
        expected_bytes: int = 0,
        has_quota: bool = True,
    ) -> OriginalFile:
        """Stores a file durably as it arrives; detects its format by its content, never by its name.

        It counts against the actor's quota, with at least `expected_bytes` from the start, unless `has_quota` is
        False. Nothing is stored if it raises: UnauthorizedOperation, UnsupportedFile, FileTooLarge, QuotaExceeded,
        DiskReserveReached, StorageFull, Unavailable, or what `chunks` raises.
        """
        return await self._receive(
            require_format, actor, chunks, name, expected_bytes=expected_bytes, has_quota=has_quota
        )

    async def receive_thumbnail(
        self,
        actor: Actor,
        chunks: AsyncIterator[bytes],
        name: str,
        *,
        expected_bytes: int = 0,
        has_quota: bool = True,
    ) -> OriginalFile:
        """Stores a picture for a thumbnail, as `receive` does. Raises UnsupportedThumbnail for another file."""
        return await self._receive(
            require_thumbnail_format, actor, chunks, name, expected_bytes=expected_bytes, has_quota=has_quota
        )

    async def receive_attachment(
        self,
        actor: Actor,
        chunks: AsyncIterator[bytes],
        name: str,
        *,
        expected_bytes: int = 0,
        has_quota: bool = True,
    ) -> ReceivedFile:
        """Stores a file of any kind, as `receive` does. It never raises UnsupportedFile."""
        require_permission(actor, Permission.CREATE_MECHANISMS)
        expected = await self._expected(expected_bytes)
        head = await _beginning(chunks)
        facts = await self._write_new(actor if has_quota else None, ANY_EXTENSION, head, chunks, expected)
        return ReceivedFile(
            key=facts.key,
            name=shown_name(name),
            size=facts.size,
            sha256=facts.sha256,
            content_type=type_of(head, facts.size),
        )

    async def discard(self, file: OriginalFile | ReceivedFile) -> None:
        """Deletes a received file of which nothing was made, and releases its bytes."""
        await self._blobs.delete(file.key)
        await self._reservations.release(file.key)

    async def _receive(
        self,
        require: Callable[[bytes], MediaFormat],
        actor: Actor,
        chunks: AsyncIterator[bytes],
        name: str,
        *,
        expected_bytes: int,
        has_quota: bool,
    ) -> OriginalFile:
        """Stores a file whose format `require` finds by its first bytes, or refuses."""
        require_permission(actor, Permission.CREATE_MECHANISMS)
        expected = await self._expected(expected_bytes)
        head = await _beginning(chunks)
        format = require(head)
        facts = await self._write_new(actor if has_quota else None, format.extension, head, chunks, expected)
        return _original(facts, format, name)

    async def _expected(self, bytes: int) -> int:
        """Returns the bytes to expect: `bytes`, at most `max_bytes`. Raises DiskReserveReached if there is no room."""
        expected = min(bytes, self.max_bytes)
        await require_disk_room(self._disks, expected)
        return expected

    async def _write_new(
        self, owner: Actor | None, extension: str, head: bytes, rest: AsyncIterator[bytes], expected: int
    ) -> BlobFacts:
        """Writes `head` and the rest under a new key; they count against the quota of `owner`, unless it is None."""
        key = original_key(self._ids.new_id(), extension)
        reservation = None
        if owner is not None:
            reservation = await self._reservations.begin(owner.id, key, max(expected, len(head)))
        try:
            return await self._blobs.write(key, self._counted(head, rest, reservation))
        except BaseException:
            if reservation is not None:
                await reservation.end()
            raise

    async def _counted(
        self, head: bytes, rest: AsyncIterator[bytes], reservation: OpenReservation | None
    ) -> AsyncIterator[bytes]:
        """Yields `head` and the rest. Raises FileTooLarge beyond `max_bytes`, QuotaExceeded, DiskReserveReached."""
        received = checked = 0
        chunk: bytes | None = head
        while chunk is not None:
            received += len(chunk)
            if received > self.max_bytes:
                raise FileTooLarge(limit=self.max_bytes)
            if reservation is not None:
                await reservation.cover(received)
            if received - checked >= _DISK_CHECK_BYTES:
                await require_disk_room(self._disks)
                checked = received
            yield chunk
            chunk = await anext(rest, None)


def _original(facts: BlobFacts, format: MediaFormat, name: str) -> OriginalFile:
    return OriginalFile(
        key=facts.key, format=format, size=facts.size, sha256=facts.sha256, name=shown_name(name)
    )


async def _beginning(chunks: AsyncIterator[bytes]) -> bytes:
    """Returns the first bytes of a file, enough to recognise it."""
    head = b""
    async for chunk in chunks:
        head += chunk
        if len(head) >= SNIFF_BYTES:
            break
    return head
