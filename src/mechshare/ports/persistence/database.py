"""The database: the truth of which everything else is a copy.

Adapters raise what is said below, and Unavailable when the database does not answer. Times go in and come out aware,
in UTC, to the microsecond; text comes out as it went in.
"""

from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from mechshare.ports.persistence.audit import AuditLog
from mechshare.ports.persistence.blob_references import BlobReferenceRepository
from mechshare.ports.persistence.categories import CategoryRepository
from mechshare.ports.persistence.idempotency import IdempotencyRepository
from mechshare.ports.persistence.jobs import JobLedger, JobRepository
from mechshare.ports.persistence.mechanisms import (
    MechanismBulkRepository,
    MechanismFiles,
    MechanismRepository,
)
from mechshare.ports.persistence.sessions import SessionRepository
from mechshare.ports.persistence.users import CredentialRepository, UserRepository


class UnitOfWork(Protocol):
    """The repositories as of one transaction."""

    @property
    def users(self) -> UserRepository: ...

    @property
    def credentials(self) -> CredentialRepository: ...

    @property
    def sessions(self) -> SessionRepository: ...

    @property
    def categories(self) -> CategoryRepository: ...

    @property
    def mechanisms(self) -> MechanismRepository: ...

    @property
    def mechanism_bulk(self) -> MechanismBulkRepository: ...

    @property
    def mechanism_files(self) -> MechanismFiles: ...

    @property
    def blob_references(self) -> BlobReferenceRepository: ...

    @property
    def ledger(self) -> JobLedger: ...

    @property
    def jobs(self) -> JobRepository: ...

    @property
    def idempotency_records(self) -> IdempotencyRepository: ...

    @property
    def audit(self) -> AuditLog: ...


class Database(Protocol):
    @property
    def reads_at_a_time(self) -> int:
        """How many reads of one process are worth while at a time; others had better be read with the next one."""

    def begin(self) -> AbstractAsyncContextManager[UnitOfWork]:
        """A transaction: kept durably on a clean exit, undone whole on an exception. Serialisable for its writes.

        No network, blob or media work inside it.
        """

    def read(self) -> AbstractAsyncContextManager[UnitOfWork]:
        """For reading, outside any transaction: each statement sees what is committed. Writing raises RuntimeError."""

    async def migrate(self) -> None:
        """Brings the schema up to date; safe to call from many processes at once. No-op when it is."""

    async def check(self) -> str:
        """One line on what answers and its version. Raises Unavailable; also when the schema is not up to date."""

    async def now(self) -> datetime:
        """The time by the database's own clock, which leases are judged by. Raises Unavailable."""

    async def close(self) -> None: ...
