"""The repositories of one unit of work."""

from mechshare.adapters.persistence.sql.audit import SqlAuditLog
from mechshare.adapters.persistence.sql.categories import SqlCategoryRepository
from mechshare.adapters.persistence.sql.idempotency import SqlIdempotencyRepository
from mechshare.adapters.persistence.sql.jobs import SqlJobLedger, SqlJobRepository
from mechshare.adapters.persistence.sql.mechanisms.blob_references import SqlMechanismFiles
from mechshare.adapters.persistence.sql.mechanisms.bulk import SqlMechanismBulkRepository
from mechshare.adapters.persistence.sql.mechanisms.repository import SqlMechanismRepository
from mechshare.adapters.persistence.sql.sessions import SqlSessionRepository
from mechshare.adapters.persistence.sql.statements import Statements
from mechshare.adapters.persistence.sql.users import SqlCredentialRepository, SqlUserRepository


class SqlUnitOfWork:
    def __init__(self, statements: Statements) -> None:
        self.users = SqlUserRepository(statements)
        self.credentials = SqlCredentialRepository(statements)
        self.sessions = SqlSessionRepository(statements)
        self.categories = SqlCategoryRepository(statements)
        self.mechanisms = SqlMechanismRepository(statements)
        self.mechanism_bulk = SqlMechanismBulkRepository(statements)
        self.mechanism_files = SqlMechanismFiles(statements)
        self.ledger = SqlJobLedger(statements)
        self.jobs = SqlJobRepository(statements)
        self.receipts = SqlIdempotencyRepository(statements)
        self.audit = SqlAuditLog(statements)
