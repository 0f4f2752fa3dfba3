"""Keeping new mechanisms, those of a moment together."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from mechshare.domain.errors import CategoryNotFound, DomainException, StaleVersion, UserNotFound
from mechshare.domain.jobs import Job
from mechshare.domain.mechanisms import AuthoredMechanism, Mechanism
from mechshare.ports.persistence.database import Database, UnitOfWork
from mechshare.services.support.data_loader import DataLoader
from mechshare.services.support.invalidation import Changes

_MAX_CONCURRENT_BATCHES = 2
"""The database makes one durable while the next is told to it."""
_OF_ONE = (CategoryNotFound, UserNotFound, StaleVersion)
"""What is wrong with one new mechanism, and with none that came with it."""


@dataclass(frozen=True, slots=True, eq=False)
class MechanismWithJobs:
    """A new mechanism and the work that it needs."""

    mechanism: Mechanism
    jobs: Sequence[Job]


class BulkInsert:
    """Each mechanism is kept with its jobs or not at all; a transaction costs about as much for many as for one."""

    def __init__(self, database: Database, changes: Changes) -> None:
        self._database = database
        self._changes = changes
        self._batches = DataLoader(self._keep_each, most=_MAX_CONCURRENT_BATCHES)

    async def keep(self, new: MechanismWithJobs) -> AuthoredMechanism:
        """Raises UserNotFound, CategoryNotFound and, where there is one of this identifier, StaleVersion."""
        return await self._batches.load(new)

    async def _keep_each(self, batch: Sequence[MechanismWithJobs]) -> Sequence[AuthoredMechanism | Exception]:
        try:
            return await self._keep(batch)
        except _OF_ONE as problem:
            if len(batch) == 1:
                return [problem]
        return await asyncio.gather(*map(self._keep_alone, batch))

    async def _keep_alone(self, new: MechanismWithJobs) -> AuthoredMechanism | Exception:
        try:
            (kept,) = await self._keep([new])
        except DomainException as problem:
            return problem
        return kept

    async def _keep(self, batch: Sequence[MechanismWithJobs]) -> Sequence[AuthoredMechanism]:
        async with self._database.begin() as tx:
            kept = await add_mechanisms(tx, batch)
        await self._changes.mechanisms_created()
        return kept


async def add_mechanisms(tx: UnitOfWork, batch: Sequence[MechanismWithJobs]) -> tuple[AuthoredMechanism, ...]:
    """As they are then, in their order. Raises what `Creation.keep` does."""
    await tx.mechanisms.add([new.mechanism for new in batch])
    await tx.blob_references.add([file for new in batch for file in new.mechanism.original_references])
    await tx.ledger.add(*(job for new in batch for job in new.jobs))
    return await tx.mechanisms.find_authored([new.mechanism.id for new in batch])
