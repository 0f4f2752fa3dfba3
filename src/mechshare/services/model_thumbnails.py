"""Draws the thumbnails of attachments that are 3-D models."""

from dataclasses import replace
from hashlib import sha256

from mechshare.domain.attachments import Attachment
from mechshare.domain.blobs import BlobFacts, BlobRole
from mechshare.domain.ids import AttachmentId
from mechshare.domain.jobs import Job
from mechshare.domain.mechanism_files import stored_reference
from mechshare.domain.media import ProcessingFailure
from mechshare.ports.clock import Clock
from mechshare.services.derivation import Derivation
from mechshare.services.jobs import Completion, Progress, write_nothing
from mechshare.services.support.attached_files import remove_files
from mechshare.services.transactions import Transaction, Transactions

_MAX_FENCE = 1_000
"""No job has as many attempts."""


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
    return own * _MAX_FENCE + job.fence
