"""The in-memory database: transactions over dictionaries of frozen values."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime

from mechshare.adapters.persistence.memory.access import Access
from mechshare.adapters.persistence.memory.table import Tables
from mechshare.adapters.persistence.repositories import repositories_of, unit_of_work
from mechshare.ports.clock import Clock
from mechshare.ports.persistence.database import UnitOfWork

_REPOSITORIES = repositories_of("mechshare.adapters.persistence.memory")


class MemoryDatabase:
    """Runs one transaction at a time, on a copy of the tables that replaces them on commit.

    `clock` is the database's clock; it decides when leases expire.
    """

    reads_at_a_time = 1

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tables = Tables()
        self._writing = asyncio.Lock()

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[UnitOfWork]:
        async with self._writing:
            draft = self._tables.copy()
            with _yielding(Access(lambda: draft, self._clock, is_writing=True)) as access:
                yield unit_of_work(_REPOSITORIES, access)
            self._tables = draft

    @asynccontextmanager
    async def read(self) -> AsyncIterator[UnitOfWork]:
        with _yielding(Access(lambda: self._tables, self._clock, is_writing=False)) as access:
            yield unit_of_work(_REPOSITORIES, access)

    async def migrate(self) -> None:
        """Does nothing: there is no schema."""

    async def check(self) -> str:
        return "in this process's memory"

    async def verify(self) -> str:
        return await self.check()

    async def now(self) -> datetime:
        return self._clock.now()

    async def close(self) -> None:
        """Does nothing: there are no external resources."""


@contextmanager
def _yielding(access: Access) -> Iterator[Access]:
    try:
        yield access
    finally:
        access.end()
