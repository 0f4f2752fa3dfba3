"""The repositories over one connection."""

from sqlalchemy.ext.asyncio import AsyncConnection

from mechshare.adapters.persistence.sql.audit import SqlAuditLog
from mechshare.adapters.persistence.sql.categories import SqlCategoryRepository
from mechshare.adapters.persistence.sql.dialects import Sqlite
from mechshare.adapters.persistence.sql.jobs import SqlJobLedger, SqlJobRepository
from mechshare.adapters.persistence.sql.mechanisms import SqlMechanismRepository
from mechshare.adapters.persistence.sql.receipts import SqlReceiptRepository
from mechshare.adapters.persistence.sql.sessions import SqlSessionRepository
from mechshare.adapters.persistence.sql.users import SqlCredentialRepository, SqlUserRepository


class SqlUnitOfWork:
    def __init__(self, connection: AsyncConnection, dialect: Sqlite) -> None:
        self.users = SqlUserRepository(connection)
        self.credentials = SqlCredentialRepository(connection)
        self.sessions = SqlSessionRepository(connection)
        self.categories = SqlCategoryRepository(connection)
        self.mechanisms = SqlMechanismRepository(connection, dialect)
        self.ledger = SqlJobLedger(connection, dialect)
        self.jobs = SqlJobRepository(connection, dialect)
        self.receipts = SqlReceiptRepository(connection)
        self.audit = SqlAuditLog(connection)
