"""Deleting mechanisms so that a crash half-way leaves work in the ledger and nothing else."""

from collections.abc import Sequence

from mechshare.domain.blobs import BlobReference, BlobRole, OwnerKind, derivative_prefix
from mechshare.domain.events import MechanismsRemoved
from mechshare.domain.ids import MechanismId
from mechshare.domain.jobs import JobKind
from mechshare.services.transactions import Transaction


async def clean_up_deleted(
    tx: Transaction, deleted: Sequence[MechanismId], *, were_public: bool, request_id: str
) -> None:
    """Ends the work at a few hundred whose rows are gone, and the references to their files.

    Their files and their places in the index follow.
    """
    await tx.jobs.cancel(JobKind.PROCESS_MECHANISM_FILE, *deleted)
    files = await tx.blob_references.delete_of(OwnerKind.MECHANISM, deleted)
    await tx.record(MechanismsRemoved(deleted, _where(files), were_public, request_id))


def _where(files: Sequence[BlobReference]) -> list[str]:
    """The originals, and all that was made or is being made from them: what an attempt has stored has no reference
    before it ends."""
    originals = [file.key for file in files if file.role is BlobRole.ORIGINAL]
    owners = dict.fromkeys(MechanismId(file.owner_id) for file in files)
    return originals + [derivative_prefix(owner) for owner in owners]
