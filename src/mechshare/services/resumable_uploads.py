"""Receives files in several requests, which may be cut, until they are complete."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from mechshare.domain.attachments import ReceivedFile
from mechshare.domain.errors import DomainException, UnsupportedMedia
from mechshare.domain.ids import UploadId
from mechshare.domain.originals import OriginalFile
from mechshare.domain.policy import require_permission
from mechshare.domain.uploads import (
    UPLOAD_LIFETIME,
    Checksum,
    TooManyUploads,
    Upload,
    UploadLimits,
    UploadNotFound,
    received_file,
    require_own,
)
from mechshare.domain.users import Actor, Permission
from mechshare.ports.clock import Clock
from mechshare.ports.disks import Disks
from mechshare.ports.ids import IdSource
from mechshare.ports.uploads import UploadStore
from mechshare.services.support.disk_room import require_disk_room
from mechshare.services.support.file_names import shown_name
from mechshare.services.support.quotas import find_quota
from mechshare.services.support.upload_writer import UploadWriter
from mechshare.services.transactions import Transaction, Transactions

RETRY_AFTER = 60
"""Seconds: when a client with too many uploads may try again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUpload:
    """What a client says about a file before it sends it: its size in bytes, its name, and metadata as it sent them."""

    size: int
    name: str
    metadata: str


class ResumableUploadService:
    """Stores uploads under way, within `limits`, and discards them. They count against the quota of their user, whole.

    Another user's upload looks like one that does not exist.
    """

    def __init__(
        self,
        transactions: Transactions,
        store: UploadStore,
        disks: Disks,
        clock: Clock,
        ids: IdSource,
        limits: UploadLimits,
    ) -> None:
        self._transactions = transactions
        self._store = store
        self._disks = disks
        self._clock = clock
        self._ids = ids
        self.limits = limits

    async def begin(self, actor: Actor, new: NewUpload) -> Upload:
        """Creates an empty upload. Raises UnauthorizedOperation, FileTooLarge, QuotaExceeded, TooManyUploads,
        UserNotFound, OutOfSpace, Unavailable."""
        require_permission(actor, Permission.CREATE_MECHANISMS)
        self.limits.require_size(new.size)
        await require_disk_room(self._disks, new.size)
        now = self._clock.now()
        upload = Upload(
            id=UploadId(self._ids.new_id()),
            user_id=actor.id,
            size=new.size,
            name=shown_name(new.name),
            metadata=new.metadata,
            created_at=now,
            expires_at=now + UPLOAD_LIFETIME,
        )
        async with self._transactions.begin() as tx:
            await self._require_room(tx, upload)
            await tx.uploads.add(upload)
        try:
            await self._store.create(upload.id)
        except DomainException:
            await self._delete_row(upload.id)
            raise
        return upload

    async def find(self, actor: Actor, upload_id: UploadId) -> Upload:
        """Returns the upload. Raises UploadNotFound."""
        async with self._transactions.read() as tx:
            return require_own(actor, await tx.uploads.find_by_id(upload_id), self._clock.now())

    async def append(
        self,
        actor: Actor,
        upload_id: UploadId,
        offset: int,
        chunks: AsyncIterator[bytes],
        checksum: Checksum | None = None,
    ) -> Upload:
        """Appends what arrives and returns the upload as it is then. An earlier call for it loses the upload.

        What `received` counts is durable, at every moment. A file that is of no supported format is discarded. Raises
        UploadNotFound, UploadOffsetMismatch, and what `UploadWriter.write_all` raises.
        """
        claimed = await self._claim(actor, upload_id, offset)
        writer = UploadWriter(self._transactions, self._store, self._disks, self._clock, claimed, checksum)
        try:
            await writer.write_all(chunks)
        except UnsupportedMedia:
            await self.discard(upload_id)
            raise
        return writer.upload

    async def finish(self, actor: Actor, upload_id: UploadId) -> OriginalFile:
        """Makes the complete file a blob and returns it; a further call returns the same. The upload ends when a
        mechanism is made of it. Raises UploadNotFound, UploadIncomplete, UnsupportedMedia, OutOfSpace, Unavailable."""
        upload = await self.find(actor, upload_id)
        key, format = upload.recognised()
        facts = await self._store.finish(upload.id, upload.size, key)
        return OriginalFile(key=key, format=format, size=facts.size, sha256=facts.sha256, name=upload.name)

    async def finish_attachment(self, actor: Actor, upload_id: UploadId) -> ReceivedFile:
        """Makes the complete file, of any kind, a blob and returns it, as `finish` does."""
        upload = await self.find(actor, upload_id)
        facts = await self._store.finish(upload.id, upload.size, upload.attachment_key())
        return received_file(upload, facts)

    async def terminate(self, actor: Actor, upload_id: UploadId) -> None:
        """Discards the upload and releases its bytes. Raises UploadNotFound."""
        await self.find(actor, upload_id)
        await self.discard(upload_id)

    async def discard(self, upload_id: UploadId) -> None:
        """Discards the upload, if there is one, and releases its bytes."""
        # The row first: if the process ends in between, garbage collection finds bytes without a row.
        await self._delete_row(upload_id)
        await self._store.abort(upload_id)

    async def _delete_row(self, upload_id: UploadId) -> None:
        async with self._transactions.begin() as tx:
            await tx.uploads.delete(upload_id)

    async def _require_room(self, tx: Transaction, upload: Upload) -> None:
        """Raises QuotaExceeded, TooManyUploads, UserNotFound. Other transactions for the user wait until this ends."""
        now = upload.created_at
        quota = await find_quota(tx, self.limits.quotas, upload.user_id, now)
        limit = self.limits.unfinished_per_user
        if limit and await tx.uploads.count_of_user(upload.user_id, now) >= limit:
            raise TooManyUploads(retry_after=RETRY_AFTER, limit=limit)
        quota.require_room_for(upload.size)

    async def _claim(self, actor: Actor, upload_id: UploadId, offset: int) -> Upload:
        """Takes the upload over from earlier requests and returns it.

        Raises UploadNotFound, also if the store lost bytes of it.
        """
        async with self._transactions.begin() as tx:
            found = require_own(actor, await tx.uploads.find_by_id(upload_id), self._clock.now())
            claimed = found.claimed(offset)
            await tx.uploads.save(claimed)
        if claimed.remaining and (await self._store.stat(upload_id) or 0) < claimed.received:
            # As after the restoration of a backup, which has no files under way.
            await self.discard(upload_id)
            raise UploadNotFound()
        return claimed
