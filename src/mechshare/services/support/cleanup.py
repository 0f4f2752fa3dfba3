"""Deleting mechanisms so that a crash half-way leaves work in the ledger and nothing else."""

from collections.abc import Callable, Sequence
from datetime import datetime

from mechshare.domain.blobs import BlobReference, BlobRole, OwnerKind, derivative_prefix
from mechshare.domain.ids import JobId, MechanismId
from mechshare.domain.jobs import JobKind, new_job
from mechshare.ports.persistence.database import UnitOfWork


async def clean_up_deleted(
    tx: UnitOfWork,
    deleted: Sequence[MechanismId],
    new_job_id: Callable[[], JobId],
    now: datetime,
    request_id: str,
) -> None:
    """Ends the work at a few hundred whose rows are gone, and the references to their files.

    That these files and their places in the index go, too, is promised.
    """
    await tx.jobs.cancel(JobKind.PROCESS_MECHANISM_FILE, *deleted)
    work = [(JobKind.INDEX_MECHANISM, str(id)) for id in deleted]
    files = await tx.blob_references.delete_of(OwnerKind.MECHANISM, deleted)
    work += [(JobKind.DELETE_BLOBS, subject) for subject in _where(files)]
    await tx.ledger.add(
        *(new_job(new_job_id(), kind, subject, now=now, request_id=request_id) for kind, subject in work)
    )


def _where(files: Sequence[BlobReference]) -> list[str]:
    """The originals, and all that was made or is being made from them: what an attempt has stored has no reference
    before it ends."""
    originals = [file.key for file in files if file.role is BlobRole.ORIGINAL]
    owners = dict.fromkeys(MechanismId(file.owner_id) for file in files)
    return originals + [derivative_prefix(owner) for owner in owners]
