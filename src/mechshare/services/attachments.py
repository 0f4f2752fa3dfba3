"""Adds files of any kind to mechanisms, and orders, captions and removes them."""

from mechshare.domain.attachment_events import AttachmentAdded
from mechshare.domain.attachments import (
    MAX_ATTACHMENTS,
    Attachment,
    AttachmentNotFound,
    ReceivedFile,
    TooManyAttachments,
    moved,
    new_attachment,
)
from mechshare.domain.audit import NO_REQUEST, RequestMetadata
from mechshare.domain.ids import AttachmentId, MechanismId, UploadId
from mechshare.domain.policy import Viewer
from mechshare.domain.uploads import UploadNotFound
from mechshare.domain.users import Actor
from mechshare.ports.clock import Clock
from mechshare.ports.ids import IdSource
from mechshare.services.support.access import find_changeable, find_editable, find_visible
from mechshare.services.support.attached_files import remove_files
from mechshare.services.support.idempotency import IdempotentRequest, require_first, run_once
from mechshare.services.transactions import Transaction, Transactions


class AttachmentService:
    def __init__(self, transactions: Transactions, clock: Clock, ids: IdSource) -> None:
        self._transactions = transactions
        self._clock = clock
        self._ids = ids

    async def find_all(self, viewer: Viewer, mechanism_id: MechanismId) -> tuple[Attachment, ...]:
        """Returns the attachments in their order. Raises MechanismNotFound."""
        async with self._transactions.read() as tx:
            await find_visible(tx, viewer, mechanism_id)
            return await tx.attachments.find_of(mechanism_id)

    async def require_room(
        self,
        actor: Actor,
        mechanism_id: MechanismId,
        idempotency: IdempotentRequest[Attachment] | None = None,
    ) -> None:
        """Raises what `add` would raise before it looks at the file, so that a caller need not receive it first."""
        async with self._transactions.read() as tx:
            await find_changeable(tx, actor, mechanism_id)
            await require_first(tx, self._clock, idempotency)
            _require_room(await tx.attachments.find_of(mechanism_id))

    async def add(
        self,
        actor: Actor,
        mechanism_id: MechanismId,
        file: ReceivedFile,
        caption: str = "",
        upload_id: UploadId | None = None,
        request_metadata: RequestMetadata = NO_REQUEST,
        idempotency: IdempotentRequest[Attachment] | None = None,
    ) -> Attachment:
        """Adds the file at the end; the upload in several requests that brought it, if any, ends. A job draws the
        thumbnail of a 3-D model.

        The file counts against the quota of the mechanism's owner. Raises MechanismNotFound, UnauthorizedOperation,
        TooManyAttachments, InvalidField, UploadNotFound, and as `run_once` does.
        """
        async with self._transactions.begin() as tx:
            await tx.attachments.lock(mechanism_id)
            mechanism = await find_changeable(tx, actor, mechanism_id)

            async def add() -> Attachment:
                before = await tx.attachments.find_of(mechanism_id)
                _require_room(before)
                if upload_id is not None and not await tx.uploads.delete(upload_id):
                    raise UploadNotFound()
                id = AttachmentId(self._ids.new_id())
                attachment, reference = new_attachment(
                    id, mechanism, file, caption, len(before), self._clock.now()
                )
                await tx.attachments.add(attachment)
                await tx.blob_references.add([reference])
                await tx.storage_quotas.release([file.key])
                await tx.record(AttachmentAdded(attachment, mechanism.user_id, request_metadata.request_id))
                return attachment

            return await run_once(tx, self._clock, idempotency, add)

    async def change(
        self,
        actor: Actor,
        mechanism_id: MechanismId,
        id: AttachmentId,
        *,
        caption: str | None = None,
        position: int | None = None,
    ) -> Attachment:
        """Changes the caption, and moves the attachment to `position`, from 0; None leaves either as it is.

        Raises MechanismNotFound, UnauthorizedOperation, AttachmentNotFound, InvalidField.
        """
        async with self._transactions.begin() as tx:
            await tx.attachments.lock(mechanism_id)
            await find_changeable(tx, actor, mechanism_id)
            attachment = await _attachment_of(tx, mechanism_id, id)
            if caption is not None:
                attachment = attachment.captioned(caption)
                await tx.attachments.save(attachment)
            if position is None:
                return attachment
            await _renumber(tx, moved(await tx.attachments.find_of(mechanism_id), id, position))
            return await _attachment_of(tx, mechanism_id, id)

    async def remove(
        self,
        actor: Actor,
        mechanism_id: MechanismId,
        id: AttachmentId,
        request_metadata: RequestMetadata = NO_REQUEST,
    ) -> None:
        """Removes the attachment at once, and its file later in a job. Raises MechanismNotFound, UnauthorizedOperation,
        AttachmentNotFound."""
        async with self._transactions.begin() as tx:
            await tx.attachments.lock(mechanism_id)
            await find_editable(tx, actor, mechanism_id)
            attachment = await _attachment_of(tx, mechanism_id, id)
            others = moved(await tx.attachments.find_of(mechanism_id), id, MAX_ATTACHMENTS)[:-1]
            await tx.attachments.delete(id)
            await _renumber(tx, others)
            await remove_files(tx, mechanism_id, attachment.keys, request_metadata.request_id)


def _require_room(attachments: tuple[Attachment, ...]) -> None:
    if len(attachments) >= MAX_ATTACHMENTS:
        raise TooManyAttachments(limit=MAX_ATTACHMENTS)


async def _attachment_of(tx: Transaction, mechanism_id: MechanismId, id: AttachmentId) -> Attachment:
    attachment = await tx.attachments.find_by_id(id)
    if attachment is None or attachment.mechanism_id != mechanism_id:
        raise AttachmentNotFound()
    return attachment


async def _renumber(tx: Transaction, attachments: tuple[Attachment, ...]) -> None:
    for one in attachments:
        await tx.attachments.save(one)
