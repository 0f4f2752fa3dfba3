"""The repositories of one unit of work."""

from functools import cached_property

from mechshare.adapters.persistence.sql.audit import SqlAuditLog
from mechshare.adapters.persistence.sql.blob_references import SqlBlobReferenceRepository
from mechshare.adapters.persistence.sql.categories import SqlCategoryRepository
from mechshare.adapters.persistence.sql.idempotency import SqlIdempotencyRepository
from mechshare.adapters.persistence.sql.jobs import SqlJobLedger, SqlJobRepository
from mechshare.adapters.persistence.sql.mechanisms.bulk import SqlMechanismBulkRepository
from mechshare.adapters.persistence.sql.mechanisms.originals import SqlMechanismFiles
from mechshare.adapters.persistence.sql.mechanisms.repository import SqlMechanismRepository
from mechshare.adapters.persistence.sql.sessions import SqlSessionRepository
from mechshare.adapters.persistence.sql.statements import Statements
from mechshare.adapters.persistence.sql.users import SqlCredentialRepository, SqlUserRepository


class SqlUnitOfWork:
    """Each repository is made when it is first used."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    @cached_property
    def users(self) -> SqlUserRepository:
        return SqlUserRepository(self._statements)

    @cached_property
    def credentials(self) -> SqlCredentialRepository:
        return SqlCredentialRepository(self._statements)

    @cached_property
    def sessions(self) -> SqlSessionRepository:
        return SqlSessionRepository(self._statements)

    @cached_property
    def categories(self) -> SqlCategoryRepository:
        return SqlCategoryRepository(self._statements)

    @cached_property
    def mechanisms(self) -> SqlMechanismRepository:
        return SqlMechanismRepository(self._statements)

    @cached_property
    def mechanism_bulk(self) -> SqlMechanismBulkRepository:
        return SqlMechanismBulkRepository(self._statements)

    @cached_property
    def mechanism_files(self) -> SqlMechanismFiles:
        return SqlMechanismFiles(self._statements)

    @cached_property
    def blob_references(self) -> SqlBlobReferenceRepository:
        return SqlBlobReferenceRepository(self._statements)

    @cached_property
    def ledger(self) -> SqlJobLedger:
        return SqlJobLedger(self._statements)

    @cached_property
    def jobs(self) -> SqlJobRepository:
        return SqlJobRepository(self._statements)

    @cached_property
    def idempotency_records(self) -> SqlIdempotencyRepository:
        return SqlIdempotencyRepository(self._statements)

    @cached_property
    def audit(self) -> SqlAuditLog:
        return SqlAuditLog(self._statements)
