"""Who may create an account: the modes of registration, and invitations."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from mechshare.domain.errors import Conflict, Forbidden, InvalidField, NotFound
from mechshare.domain.ids import InvitationId, UserId
from mechshare.domain.text import clean_text

DEFAULT_INVITATION_DAYS, MAX_INVITATION_DAYS = 7, 366
MAX_INVITATION_USES = 1_000
MAX_NOTE_LENGTH = 80


class RegistrationMode(StrEnum):
    OPEN = "open"
    """Everybody creates an account."""
    APPROVAL = "approval"
    """Everybody does, and signs in once an admin has approved it; an invitation spares the approval."""
    INVITATION = "invitation"
    CLOSED = "closed"
    """Only the operator creates accounts, by the command line."""


class RegistrationClosed(Forbidden):
    code = "REGISTRATION_CLOSED"
    messages = {
        "en": "Nobody can create an account here. Ask the operator of this site.",
        "ja": "このサイトではアカウントを作成できません。運用担当者に依頼してください。",
    }


class InvitationRequired(Forbidden):
    code = "INVITATION_REQUIRED"
    messages = {
        "en": "An account needs a valid invitation: this one is missing, expired, revoked or used up. "
        "Ask for a new link.",
        "ja": "アカウントの作成には有効な招待が必要です。招待がないか、期限切れ・取り消し・使用済みです。"
        "新しいリンクを依頼してください。",
    }


class AwaitingApproval(Forbidden):
    code = "AWAITING_APPROVAL"
    messages = {
        "en": "An administrator has not approved the account yet. Try again later.",
        "ja": "アカウントはまだ管理者に承認されていません。しばらくしてからお試しください。",
    }


class NotAwaitingApproval(Conflict):
    code = "NOT_AWAITING_APPROVAL"
    messages = {
        "en": "The account does not await approval: it is approved already.",
        "ja": "このアカウントは承認待ちではありません。すでに承認されています。",
    }


class InvitationNotFound(NotFound):
    code = "INVITATION_NOT_FOUND"
    messages = {"en": "Invitation not found.", "ja": "招待が見つかりません。"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """A link by which people create accounts. Only the SHA-256 of its secret is stored; `created_by` is None for one
    of the operator."""

    id: InvitationId
    hash: str
    note: str
    created_by: UserId | None
    created_at: datetime
    expires_at: datetime
    max_uses: int
    uses: int = 0

    def is_valid(self, now: datetime) -> bool:
        return now < self.expires_at and self.uses < self.max_uses


def clean_note(note: str) -> str:
    return clean_text("note", note, min_length=0, max_length=MAX_NOTE_LENGTH)


def checked_uses(uses: int) -> int:
    """Returns how many accounts an invitation admits. Raises InvalidField."""
    return _between("max_uses", uses, MAX_INVITATION_USES)


def invitation_expiry(days: int, now: datetime) -> datetime:
    """Returns when an invitation made `now` for `days` days expires. Raises InvalidField."""
    return now + timedelta(days=_between("expires_in_days", days, MAX_INVITATION_DAYS))


def _between(field: str, number: int, most: int) -> int:
    if not 1 <= number <= most:
        raise InvalidField(field, en=f"must be from 1 to {most}.", ja=f"1〜{most} の値を指定してください。")
    return number
