"""Inserts mechanisms that are created concurrently by shared statements."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from mechshare.domain.errors import CategoryNotFound, DomainException, StaleVersion, UserNotFound
from mechshare.domain.events import MechanismCreated
from mechshare.domain.mechanism_files import original_references
from mechshare.domain.mechanisms import AuthoredMechanism
from mechshare.domain.overload import TooManyUnfinishedClips
from mechshare.domain.uploads import UploadNotFound
from mechshare.services.support.clip_limit import ClipLimit
from mechshare.services.support.data_loader import DataLoader
from mechshare.services.transactions import Transaction, Transactions

_MAX_CONCURRENT_BATCHES = 2
"""Two: one batch can be sent while the database makes the other durable."""
_OF_ONE = (CategoryNotFound, UserNotFound, StaleVersion, TooManyUnfinishedClips, UploadNotFound)
"""Errors caused by one mechanism of a batch; the others are then inserted one by one."""


class BulkInsert:
    """Stores each mechanism with its jobs, or not at all. Batches them, because the statements cost about as much for
    many as for one."""

    def __init__(self, transactions: Transactions, clip_limit: ClipLimit) -> None:
        self._transactions = transactions
        self._clip_limit = clip_limit
        self._batches = DataLoader(self._insert_each, max_batches=_MAX_CONCURRENT_BATCHES)

    async def insert(self, created: MechanismCreated) -> AuthoredMechanism:
        """Stores the mechanism; returns it with its author. Raises UserNotFound, CategoryNotFound,
        TooManyUnfinishedClips, UploadNotFound, and StaleVersion if the identifier exists."""
        return await self._batches.load(created)

    async def _insert_each(
        self, batch: Sequence[MechanismCreated]
    ) -> Sequence[AuthoredMechanism | Exception]:
        try:
            return await self._insert(batch)
        except _OF_ONE as problem:
            if len(batch) == 1:
                return [problem]
        return await asyncio.gather(*map(self._insert_one, batch))

    async def _insert_one(self, created: MechanismCreated) -> AuthoredMechanism | Exception:
        try:
            (inserted,) = await self._insert([created])
        except DomainException as problem:
            return problem
        return inserted

    async def _insert(self, batch: Sequence[MechanismCreated]) -> Sequence[AuthoredMechanism]:
        async with self._transactions.begin() as tx:
            return await add_mechanisms(tx, batch, self._clip_limit)


async def add_mechanisms(
    tx: Transaction, batch: Sequence[MechanismCreated], clip_limit: ClipLimit
) -> tuple[AuthoredMechanism, ...]:
    """Stores a batch; returns the mechanisms as stored, in their order. Raises what `BulkInsert.insert` raises."""
    clips = [created.mechanism.user_id for created in batch if not created.mechanism.processing.has_ended]
    await clip_limit.require_room(tx, *clips)
    for upload_id in sorted(created.upload_id for created in batch if created.upload_id):
        if not await tx.uploads.delete(upload_id):
            raise UploadNotFound()
    await tx.mechanisms.add([created.mechanism for created in batch])
    stated = [replace(created.mechanism, version=1) for created in batch if created.mechanism.reliability]
    await tx.reliability_history.add([one.reliability_change(one.user_id) for one in stated])
    files = [file for created in batch for file in original_references(created.mechanism)]
    await tx.blob_references.add(files)
    await tx.storage_quotas.release([file.key for file in files])
    await tx.record(*batch)
    return await tx.mechanisms.find_authored([created.mechanism.id for created in batch])
