"""The audit log: who did what, and when."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mechshare.domain.addresses import limited_address
from mechshare.domain.ids import UserId


class AuditAction(StrEnum):
    REGISTERED = "registered"
    SIGNED_IN = "signed_in"
    SIGN_IN_FAILED = "sign_in_failed"
    SIGNED_OUT = "signed_out"
    REFRESH_REUSED = "refresh_reused"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105  an action, not a secret
    DENIED = "denied"
    ROLE_CHANGED = "role_changed"
    QUOTA_CHANGED = "quota_changed"
    SUSPENDED = "suspended"
    REINSTATED = "reinstated"
    WITHDRAWN_BY_MODERATOR = "withdrawn_by_moderator"
    MECHANISM_REINSTATED = "mechanism_reinstated"
    MECHANISM_DELETED = "mechanism_deleted"
    USER_DELETED = "user_deleted"
    BLOB_DELETED = "blob_deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestMetadata:
    """The origin of a request."""

    address: str = ""
    user_agent: str = ""
    request_id: str = ""

    @property
    def network(self) -> str:
        """The key under which failed sign-ins of this address are counted."""
        return limited_address(self.address)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """`subject` is the object of the action: the account name of a sign-in, otherwise an identifier.

    Contains no secret.
    """

    id: str
    at: datetime
    action: AuditAction
    actor_id: UserId | None
    subject: str
    address: str = ""
    request_id: str = ""
    detail: str = ""
