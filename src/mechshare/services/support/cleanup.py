"""Deletes what depends on deleted mechanisms; after a crash the jobs of the same commit finish the work."""

from collections.abc import Sequence

from mechshare.domain.attachment_events import AttachmentRemoved
from mechshare.domain.blobs import DERIVATIVES, BlobReference, BlobRole, OwnerKind, derivative_prefix
from mechshare.domain.events import DerivativesOrphaned, MechanismsRemoved
from mechshare.domain.ids import MechanismId, UserId
from mechshare.domain.jobs import Job, JobKind
from mechshare.services.transactions import Transaction, Transactions

_TOGETHER = 500


async def clean_up_deleted(
    tx: Transaction, deleted: Sequence[MechanismId], *, were_public: bool, request_id: str
) -> None:
    """Cancels the processing of a few hundred deleted mechanisms and removes the references to their files.

    Jobs delete their files and index entries after the commit.
    """
    for kind in (JobKind.PROCESS_MECHANISM_FILE, JobKind.DRAW_THUMBNAIL):
        await tx.jobs.cancel(kind, *deleted)
    files = await tx.blob_references.delete_of(OwnerKind.MECHANISM, deleted)
    await tx.record(MechanismsRemoved(deleted, _where(files), were_public, request_id))


async def delete_sent_files(tx: Transaction, user_id: UserId, request_id: str) -> None:
    """Removes the references to the files that a user sent with claims; jobs delete the files after the commit."""
    sent = await tx.claims.find_files_of_user(user_id)
    for start in range(0, len(sent), _TOGETHER):
        some = sent[start : start + _TOGETHER]
        keys = {file.key for _, file in some}
        about = sorted({mechanism_id for mechanism_id, _ in some})
        files = await tx.blob_references.delete_of(OwnerKind.MECHANISM, about, roles=(BlobRole.ATTACHMENT,))
        await tx.blob_references.add([one for one in files if one.key not in keys])
        for key in sorted(keys):
            await tx.record(AttachmentRemoved(key, request_id))


async def delete_orphaned_derivatives(transactions: Transactions, job: Job) -> None:
    """Enqueues the deletion of what `job` stored for its mechanism, if the mechanism was deleted meanwhile."""
    mechanism_id = MechanismId(job.subject)
    async with transactions.begin() as tx:
        if await tx.mechanisms.find_by_id(mechanism_id) is None:
            await tx.record(DerivativesOrphaned(mechanism_id, job.request_id))


def _where(files: Sequence[BlobReference]) -> list[str]:
    """Returns the keys of the originals and attachments, and the key prefixes of the derivatives. A prefix, because a
    running attempt has stored files that have no reference yet."""
    originals = [file.key for file in files if file.role not in DERIVATIVES]
    owners = dict.fromkeys(MechanismId(file.owner_id) for file in files)
    return originals + [derivative_prefix(owner) for owner in owners]
