"""How many bytes each user may store, and what uploads under way have reserved of them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from mechshare.domain.errors import InvalidField, TooLarge
from mechshare.domain.ids import UserId
from mechshare.domain.users import Role

RESERVATION_LIFETIME = timedelta(minutes=10)
"""An upload renews its reservation; that of a server that crashed ends after this time."""
MAX_QUOTA_BYTES = 2**49


class QuotaExceeded(TooLarge):
    code = "QUOTA_EXCEEDED"
    messages = {
        "en": "You use {used} of the {limit} bytes that you may store, and this file needs {needed} more. "
        "Delete a mechanism, send a smaller file, or ask the operator for a larger quota.",
        "ja": "保存できる {limit} バイトのうち {used} バイトを使用中で、このファイルにはさらに {needed} バイトが"
        "必要です。機構を削除するか、小さいファイルを送るか、運用担当者に上限の引き上げをご相談ください。",
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleQuotas:
    """The bytes that a user of each role may store; 0 means no limit."""

    user: int = 0
    moderator: int = 0
    admin: int = 0

    def of(self, role: Role) -> int:
        return {Role.MODERATOR: self.moderator, Role.ADMIN: self.admin}.get(role, self.user)


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageQuota:
    """`bytes_used` includes the reservations of uploads under way. `bytes_limit` is None if there is no limit."""

    bytes_used: int
    bytes_limit: int | None

    def has_room_for(self, size: int) -> bool:
        return self.bytes_limit is None or self.bytes_used + size <= self.bytes_limit

    def require_room_for(self, size: int) -> None:
        """Raises QuotaExceeded unless `size` more bytes fit."""
        if not self.has_room_for(size):
            raise QuotaExceeded(used=self.bytes_used, limit=self.bytes_limit, needed=size)


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageAccount:
    """What decides about a user's quota. `quota_bytes` replaces the quota of the role; None: it does not.
    `group_quota_bytes` is the largest quota that a group of the user gives each member; None if none does. 0 is no
    limit in both."""

    role: Role
    quota_bytes: int | None
    bytes_used: int
    group_quota_bytes: int | None = None

    def quota(self, quotas: RoleQuotas) -> StorageQuota:
        """Returns the larger of the user's own quota and that of the groups."""
        own = quotas.of(self.role) if self.quota_bytes is None else self.quota_bytes
        limits = [own] if self.group_quota_bytes is None else [own, self.group_quota_bytes]
        return StorageQuota(bytes_used=self.bytes_used, bytes_limit=max(limits) if all(limits) else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """Bytes of a user's quota for the blob `key`, whose upload is under way.

    It ends when a reference to the blob is stored, when the upload fails, or at `expires_at`.
    """

    key: str
    user_id: UserId
    size: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class QuotaOverride:
    """The new quota of one user in bytes: 0 for no limit, None for the quota of the role."""

    size: int | None


def clean_quota(size: int | None) -> int | None:
    """Returns `size`. Raises InvalidField unless it is None or 0 to MAX_QUOTA_BYTES."""
    if size is not None and not 0 <= size <= MAX_QUOTA_BYTES:
        raise InvalidField(
            "quota_bytes",
            en=f"must be 0 (no limit) to {MAX_QUOTA_BYTES} bytes, or null for the quota of the role.",
            ja=f"0（無制限）から {MAX_QUOTA_BYTES} バイトまで、または null（ロールの既定値）で指定してください。",
        )
    return size
