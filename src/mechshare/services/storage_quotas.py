"""Shows users how much of their storage quota they use."""

from mechshare.domain.errors import UserNotFound
from mechshare.domain.ids import UserId
from mechshare.domain.storage_quotas import RoleQuotas, StorageQuota
from mechshare.ports.clock import Clock
from mechshare.ports.persistence.database import Database


class StorageQuotaService:
    def __init__(self, database: Database, clock: Clock, quotas: RoleQuotas) -> None:
        self._database = database
        self._clock = clock
        self._quotas = quotas

    async def get_quota(self, user_id: UserId) -> StorageQuota:
        """Returns the user's quota and the bytes used: stored files and uploads under way. Raises UserNotFound."""
        async with self._database.read() as tx:
            account = await tx.storage_quotas.find_by_user(user_id, self._clock.now())
        if account is None:
            raise UserNotFound()
        return account.quota(self._quotas)
