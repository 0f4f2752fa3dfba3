"""Shows users how much of their storage quota they use."""

from mechshare.domain.ids import UserId
from mechshare.domain.storage_quotas import RoleQuotas, StorageQuota
from mechshare.ports.clock import Clock
from mechshare.ports.persistence.database import Database
from mechshare.services.support.quotas import find_quota


class StorageQuotaService:
    def __init__(self, database: Database, clock: Clock, quotas: RoleQuotas) -> None:
        self._database = database
        self._clock = clock
        self._quotas = quotas

    async def get_quota(self, user_id: UserId) -> StorageQuota:
        """Returns the user's quota and the bytes used: stored files and uploads under way. Raises UserNotFound."""
        async with self._database.read() as tx:
            return await find_quota(tx, self._quotas, user_id, self._clock.now())
