"""Deleting mechanisms so that a crash half-way leaves work in the ledger and nothing else."""

from collections.abc import Callable, Mapping
from datetime import datetime

from mechshare.domain.blobs import derivative_prefix
from mechshare.domain.ids import JobId, MechanismId
from mechshare.domain.jobs import JobKind, new_job
from mechshare.ports.persistence.database import UnitOfWork


async def clean_up_deleted(
    tx: UnitOfWork,
    deleted: Mapping[MechanismId, str | None],
    new_job_id: Callable[[], JobId],
    now: datetime,
    request_id: str,
) -> None:
    """Of a few hundred whose rows are gone, each with the key of its original, if it had one: ends the work at them.

    That their files and their places in the index go, too, is promised.
    """
    await tx.jobs.cancel(JobKind.PROCESS_MECHANISM_FILE, *deleted)
    work = [(JobKind.INDEX_MECHANISM, str(id)) for id in deleted]
    for id, original in deleted.items():
        if original is not None:
            work += [(JobKind.DELETE_BLOBS, original), (JobKind.DELETE_BLOBS, derivative_prefix(id))]
    await tx.ledger.add(
        *(new_job(new_job_id(), kind, subject, now=now, request_id=request_id) for kind, subject in work)
    )
