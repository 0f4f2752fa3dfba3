"""Deletes files that were never ready, some time after their processing failed; the texts of their mechanisms stay."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

from mechshare.domain.blobs import BlobReference, BlobRole, OwnerKind
from mechshare.domain.events import FailedOriginalDeleted
from mechshare.domain.failed_originals import failed_since
from mechshare.domain.ids import MechanismId
from mechshare.ports.clock import Clock
from mechshare.services.transactions import Transaction, Transactions

_BATCH = 500
_SENT_FILES = frozenset({BlobRole.ORIGINAL, BlobRole.OWN_THUMBNAIL})


class FailedOriginalObserver(Protocol):
    """Receives each deletion, for logs and metrics."""

    def failed_original_deleted(self, reference: BlobReference) -> None: ...


class FailedOriginals:
    def __init__(
        self,
        transactions: Transactions,
        clock: Clock,
        observer: FailedOriginalObserver,
        retention: timedelta | None,
    ) -> None:
        """`retention` is how long the files stay after their processing failed; None for ever."""
        self._transactions = transactions
        self._clock = clock
        self._observer = observer
        self._retention = retention

    async def delete_due(self, request_id: str) -> None:
        """Deletes the files that are due, each in its own transaction."""
        if self._retention is None:
            return
        before = self._clock.now() - self._retention
        while ids := await self._find_due(before):
            for id in ids:
                await self._delete(id, before, request_id)

    async def _find_due(self, before: datetime) -> Sequence[MechanismId]:
        async with self._transactions.read() as tx:
            return await tx.mechanism_files.find_failed(before, limit=_BATCH)

    async def _delete(self, id: MechanismId, before: datetime, request_id: str) -> None:
        """Deletes the file, unless the mechanism was changed or deleted meanwhile."""
        async with self._transactions.begin() as tx:
            mechanism = await tx.mechanisms.find_by_id(id)
            since = failed_since(mechanism) if mechanism else None
            if mechanism is None or since is None or since >= before:
                return
            await tx.mechanisms.save(replace(mechanism, original=None))
            deleted = await _delete_references(tx, id, request_id)
        for reference in deleted:
            self._observer.failed_original_deleted(reference)


async def _delete_references(tx: Transaction, id: MechanismId, request_id: str) -> Sequence[BlobReference]:
    deleted = await tx.blob_references.delete_of(OwnerKind.MECHANISM, [id], roles=_SENT_FILES)
    for reference in deleted:
        await tx.record(FailedOriginalDeleted(id, reference.key, request_id))
    return deleted
