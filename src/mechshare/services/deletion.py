"""Deleting a mechanism so that a crash half-way leaves work in the ledger and nothing else."""

from collections.abc import Callable
from datetime import datetime

from mechshare.domain.blobs import derivative_prefix
from mechshare.domain.ids import JobId, MechanismId
from mechshare.domain.jobs import JobKind, new_job
from mechshare.domain.mechanisms import Mechanism
from mechshare.ports.persistence import UnitOfWork


async def delete_mechanism(
    tx: UnitOfWork, mechanism: Mechanism, new_job_id: Callable[[], JobId], now: datetime, request_id: str
) -> MechanismId:
    """Deletes the row; its files and its place in the index go by jobs of the same transaction."""
    await tx.mechanisms.delete(mechanism.id, mechanism.version)
    await tx.jobs.cancel(mechanism.id, JobKind.PROCESS_MECHANISM_FILE)
    work = [(JobKind.INDEX_MECHANISM, str(mechanism.id))]
    if mechanism.original is not None:
        work.append((JobKind.DELETE_BLOBS, mechanism.original.key))
        work.append((JobKind.DELETE_BLOBS, derivative_prefix(mechanism.id)))
    for kind, subject in work:
        await tx.ledger.add(new_job(new_job_id(), kind, subject, now=now, request_id=request_id))
    return mechanism.id
