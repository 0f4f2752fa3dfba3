"""Finds the storage quota of a user."""

from datetime import datetime

from mechshare.domain.errors import UserNotFound
from mechshare.domain.ids import UserId
from mechshare.domain.storage_quotas import RoleQuotas, StorageQuota
from mechshare.ports.persistence.database import UnitOfWork


async def find_quota(
    tx: UnitOfWork, quotas: RoleQuotas, user_id: UserId, now: datetime, *, without: str = ""
) -> StorageQuota:
    """Returns the user's quota and the bytes used, without those reserved for the blob `without`.

    In a transaction, other transactions for the same user wait until it ends. Raises UserNotFound.
    """
    account = await tx.storage_quotas.find_by_user(user_id, now, without=without)
    if account is None:
        raise UserNotFound()
    return account.quota(quotas)
