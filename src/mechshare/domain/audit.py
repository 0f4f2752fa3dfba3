"""What is written down about access, so that it can be asked later who did what."""

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
    SUSPENDED = "suspended"
    REINSTATED = "reinstated"
    WITHDRAWN_BY_MODERATOR = "withdrawn_by_moderator"
    MECHANISM_DELETED = "mechanism_deleted"
    USER_DELETED = "user_deleted"
    BLOB_DELETED = "blob_deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestMetadata:
    """Where a request came from."""

    address: str = ""
    user_agent: str = ""
    request_id: str = ""

    @property
    def network(self) -> str:
        """What failed sign-ins from there are counted under."""
        return limited_address(self.address)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """`subject` is what it was done to: an account name for sign-ins, else an identifier. Never holds a secret."""

    id: str
    at: datetime
    action: AuditAction
    actor_id: UserId | None
    subject: str
    address: str = ""
    request_id: str = ""
    detail: str = ""
