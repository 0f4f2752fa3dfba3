"""Draws the thumbnails of attachments that are 3-D models."""

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256

from mechshare.domain.attachment_events import DrawingRequested
from mechshare.domain.attachments import Attachment
from mechshare.domain.blobs import BlobFacts, BlobRole
from mechshare.domain.ids import AttachmentId
from mechshare.domain.jobs import Job, file_number
from mechshare.domain.mechanism_files import stored_reference
from mechshare.domain.media import ProcessingFailure
from mechshare.ports.clock import Clock
from mechshare.services.derivation import Derivation
from mechshare.services.jobs import Completion, Progress, write_nothing
from mechshare.services.support.attached_files import remove_files
from mechshare.services.transactions import Transaction, Transactions

_BATCH_SIZE = 200


class ModelThumbnailService:
    """Has models drawn, for operators."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    async def draw_missing(self) -> int:
        """Enqueues a job for each model that has neither a thumbnail nor a reason why it has none, and returns how many
        there are. A model whose job has not ended gets no second one."""
        count, after = 0, None
        while batch := await self._request_batch(after):
            count, after = count + len(batch), batch[-1].id
        return count

    async def _request_batch(self, after: AttachmentId | None) -> Sequence[Attachment]:
        async with self._transactions.begin() as tx:
            batch = await tx.attachments.find_undrawn(after, limit=_BATCH_SIZE)
            found = await tx.mechanisms.find_authored(list({one.mechanism_id for one in batch}))
            owners = {item.mechanism.id: item.mechanism.user_id for item in found}
            for one in batch:
                if owner := owners.get(one.mechanism_id):  # None if it was deleted meanwhile
                    await tx.record(DrawingRequested(one.id, owner))
        return batch


class DrawModel:
    """The job `draw_model`: draws the thumbnail of an attachment that is a 3-D model."""

    def __init__(self, transactions: Transactions, derivation: Derivation, clock: Clock) -> None:
        self._transactions = transactions
        self._derivation = derivation
        self._clock = clock

    async def run(self, job: Job, progress: Progress) -> Completion:
        async with self._transactions.read() as tx:
            attachment = await tx.attachments.find_by_id(AttachmentId(job.subject))
        format = attachment.model_format if attachment else None
        if attachment is None or format is None:
            return write_nothing
        facts = BlobFacts(key=attachment.key, size=attachment.size, sha256=attachment.sha256)
        file = await self._derivation.draw_model(
            attachment.mechanism_id, facts, format, _file_number(attachment, job), progress
        )

        async def publish(tx: Transaction) -> None:
            await self._show(tx, attachment, file, job)

        return publish

    async def _show(self, tx: Transaction, drawn: Attachment, file: BlobFacts, job: Job) -> None:
        """Shows the thumbnail, or deletes it if the attachment was removed meanwhile."""
        await tx.attachments.lock(drawn.mechanism_id)
        current = await tx.attachments.find_by_id(drawn.id)
        mechanism = await tx.mechanisms.find_by_id(drawn.mechanism_id)
        if current is None or mechanism is None:
            await remove_files(tx, drawn.mechanism_id, [file.key], job.request_id)
            return
        if current.thumbnail_key is not None:
            await remove_files(tx, mechanism.id, [current.thumbnail_key], job.request_id)
        reference = stored_reference(mechanism, BlobRole.MODEL_THUMBNAIL, file, self._clock.now())
        await tx.blob_references.add([reference])
        await tx.attachments.save(replace(current, thumbnail_key=file.key, thumbnail_failure=None))

    async def on_failed(self, tx: Transaction, job: Job, failure: ProcessingFailure) -> None:
        """Stores the reason: the attachment has no thumbnail."""
        found = await tx.attachments.find_by_id(AttachmentId(job.subject))
        if found is None:
            return
        await tx.attachments.lock(found.mechanism_id)
        current = await tx.attachments.find_by_id(found.id)
        if current is not None:
            await tx.attachments.save(replace(current, thumbnail_failure=failure))

    async def on_retry(self, tx: Transaction, job: Job) -> None:
        """Writes nothing: no other data depends on it."""

    async def on_lost(self, job: Job) -> None:
        """Does nothing: garbage collection deletes a thumbnail that no attachment shows."""


def _file_number(attachment: Attachment, job: Job) -> int:
    """Returns the number in the key of the thumbnail: two attachments with the same content have one each."""
    own = int.from_bytes(sha256(attachment.id.encode()).digest()[:6])
    return file_number(own, job.fence)
