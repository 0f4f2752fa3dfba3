"""The audit log: who did what, and when."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from mechshare.domain.addresses import limited_address
from mechshare.domain.ids import UserId


class AuditAction(StrEnum):
    REGISTERED = "registered"
    REGISTRATION_APPROVED = "registration_approved"
    REGISTRATION_REJECTED = "registration_rejected"
    INVITATION_CREATED = "invitation_created"
    INVITATION_REVOKED = "invitation_revoked"
    SIGNED_IN = "signed_in"
    SIGN_IN_FAILED = "sign_in_failed"
    SIGNED_OUT = "signed_out"
    REFRESH_REUSED = "refresh_reused"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105  an action, not a secret
    TOKEN_CREATED = "token_created"  # noqa: S105
    """A personal access token; the detail is its name."""
    TOKEN_REVOKED = "token_revoked"  # noqa: S105
    WEBHOOK_CREATED = "webhook_created"
    WEBHOOK_DELETED = "webhook_deleted"
    DENIED = "denied"
    ROLE_CHANGED = "role_changed"
    QUOTA_CHANGED = "quota_changed"
    SUSPENDED = "suspended"
    REINSTATED = "reinstated"
    WITHDRAWN_BY_MODERATOR = "withdrawn_by_moderator"
    CLAIM_WITHDRAWN = "claim_withdrawn"
    """A moderator withdrew the claim of another user; the detail is its identifier."""
    COMMENT_DELETED = "comment_deleted"
    """A moderator deleted the comment of another user; the detail is its identifier."""
    COMMENTS_LOCKED = "comments_locked"
    """A moderator locked the comments on a mechanism."""
    COMMENTS_UNLOCKED = "comments_unlocked"
    REPORTED = "reported"
    """A user reported what the subject names; the detail is the report."""
    REPORT_DECIDED = "report_decided"
    """The subject is the report; the detail is the decision with its reason."""
    MECHANISM_EDITED = "mechanism_edited"
    MAIN_FILE_REPLACED = "main_file_replaced"
    """A user sent or restored a file that takes the place of the main file."""
    FORMER_FILE_DELETED = "former_file_deleted"
    """The detail is the revision whose file was deleted."""
    DRAFT_READ = "draft_read"
    ACCOUNTS_LISTED = "accounts_listed"
    CATEGORY_CREATED = "category_created"
    CATEGORY_RENAMED = "category_renamed"
    CATEGORY_MOVED = "category_moved"
    CATEGORY_MERGED = "category_merged"
    CATEGORY_DELETED = "category_deleted"
    TOKENS_REFUSED = "tokens_refused"
    """Several refusals of requests without a known caller: the detail is their number in an interval."""
    MECHANISM_REINSTATED = "mechanism_reinstated"
    MECHANISM_DELETED = "mechanism_deleted"
    MECHANISM_SHARED = "mechanism_shared"
    """The detail is the recipient, and whether to read or to edit."""
    SHARE_REMOVED = "share_removed"
    MEMBER_ADDED = "member_added"
    """A user joined a group or got another role in it; the subject is the group, the detail user and role."""
    MEMBER_REMOVED = "member_removed"
    GROUP_DELETED = "group_deleted"
    ACCOUNT_EXPORTED = "account_exported"
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


NO_REQUEST = RequestMetadata()
"""The origin of what the command line and the process itself do."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Conditions that entries meet; None and an empty text mean any. `since` is included, `until` is not."""

    action: AuditAction | None = None
    actor_id: UserId | None = None
    subject: str = ""
    address: str = ""
    since: datetime | None = None
    until: datetime | None = None

    @property
    def values(self) -> dict[str, Any]:
        """The conditions that are set, by name."""
        return {name: value for name in self.__slots__ if (value := getattr(self, name))}

    def admits(self, entry: AuditEntry) -> bool:
        """Whether `entry` meets every condition."""
        names = ("action", "actor_id", "subject", "address")
        is_same = all(getattr(self, name) in (None, "", getattr(entry, name)) for name in names)
        is_late = self.since is None or entry.at >= self.since
        return is_same and is_late and (self.until is None or entry.at < self.until)


EVERY_ENTRY = AuditFilter()


def audit_filter(
    action: AuditAction | None,
    actor_id: str | None,
    subject: str,
    address: str,
    since: datetime | None,
    until: datetime | None,
) -> AuditFilter:
    """Returns the conditions as callers write them: a time without a zone is in UTC."""
    return AuditFilter(
        action=action,
        actor_id=UserId(actor_id) if actor_id else None,
        subject=subject,
        address=address,
        since=_in_utc(since),
        until=_in_utc(until),
    )


def _in_utc(time: datetime | None) -> datetime | None:
    return time.replace(tzinfo=UTC) if time is not None and time.tzinfo is None else time
