"""The database in this process: transactions over dictionaries of frozen values."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime

from mechshare.adapters.persistence.memory.audit import MemoryAuditLog, MemoryIdempotencyRepository
from mechshare.adapters.persistence.memory.blob_references import MemoryBlobReferenceRepository
from mechshare.adapters.persistence.memory.jobs import MemoryJobLedger, MemoryJobRepository
from mechshare.adapters.persistence.memory.mechanisms import (
    MemoryCategoryRepository,
    MemoryMechanismBulkRepository,
    MemoryMechanismFiles,
    MemoryMechanismRepository,
)
from mechshare.adapters.persistence.memory.tables import Access, Tables
from mechshare.adapters.persistence.memory.users import (
    MemoryCredentialRepository,
    MemorySessionRepository,
    MemoryUserRepository,
)
from mechshare.ports.clock import Clock


class MemoryUnitOfWork:
    def __init__(self, access: Access, clock: Clock) -> None:
        self.users = MemoryUserRepository(access)
        self.credentials = MemoryCredentialRepository(access)
        self.sessions = MemorySessionRepository(access)
        self.categories = MemoryCategoryRepository(access)
        self.mechanisms = MemoryMechanismRepository(access)
        self.mechanism_bulk = MemoryMechanismBulkRepository(access)
        self.mechanism_files = MemoryMechanismFiles(access)
        self.blob_references = MemoryBlobReferenceRepository(access)
        self.ledger = MemoryJobLedger(access, clock)
        self.jobs = MemoryJobRepository(access, clock)
        self.idempotency_records = MemoryIdempotencyRepository(access)
        self.audit = MemoryAuditLog(access)


class MemoryDatabase:
    """One transaction at a time works on a copy, which takes the place of the tables when it ends well.

    `clock` is the database's own, by which leases are judged.
    """

    reads_at_a_time = 1

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tables = Tables()
        self._writing = asyncio.Lock()

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[MemoryUnitOfWork]:
        async with self._writing:
            draft = self._tables.copy()
            with _lasting(Access(lambda: draft, writable=True)) as access:
                yield MemoryUnitOfWork(access, self._clock)
            self._tables = draft

    @asynccontextmanager
    async def read(self) -> AsyncIterator[MemoryUnitOfWork]:
        with _lasting(Access(lambda: self._tables, writable=False)) as access:
            yield MemoryUnitOfWork(access, self._clock)

    async def migrate(self) -> None:
        """It has no schema."""

    async def check(self) -> str:
        return "in this process's memory"

    async def now(self) -> datetime:
        return self._clock.now()

    async def close(self) -> None:
        """It holds nothing outside."""


@contextmanager
def _lasting(access: Access) -> Iterator[Access]:
    try:
        yield access
    finally:
        access.end()
