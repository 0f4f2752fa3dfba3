"""Exports of an account: everything that a user has stored or said here, as one zip file."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from mechshare.domain.errors import Conflict, NotFound
from mechshare.domain.ids import AccountExportId, UserId
from mechshare.domain.users import Actor

ACCOUNT_EXPORT_LIFETIME = timedelta(days=1)
"""An export expires this long after it was requested. The zip has no blob reference and no quota counts it: garbage
collection, which deletes what nothing refers to after as long, never deletes one that has not expired."""


class AccountExportNotFound(NotFound):
    code = "ACCOUNT_EXPORT_NOT_FOUND"
    messages = {
        "en": "There is no export of your account, or it has expired. Request a new one.",
        "ja": "アカウントのエクスポートがないか、期限が切れています。もう一度依頼してください。",
    }


class AccountExportNotReady(Conflict):
    code = "ACCOUNT_EXPORT_NOT_READY"
    messages = {
        "en": "The export is not ready. Read its state, and download it when that is 'ready'.",
        "ja": "エクスポートはまだ準備できていません。状態が ready になってからダウンロードしてください。",
    }


class AccountExportState(StrEnum):
    PENDING = "pending"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountExport:
    """`size` of the zip in bytes, 0 until it is ready."""

    id: AccountExportId
    user_id: UserId
    state: AccountExportState = AccountExportState.PENDING
    size: int = 0
    created_at: datetime
    expires_at: datetime

    @property
    def key(self) -> str:
        """The key of the zip in the blob store."""
        return f"exports/{self.id}.zip"

    def ready(self, size: int) -> "AccountExport":
        return replace(self, state=AccountExportState.READY, size=size)

    def failed(self) -> "AccountExport":
        return replace(self, state=AccountExportState.FAILED)


def new_account_export(id: AccountExportId, actor: Actor, now: datetime) -> AccountExport:
    return AccountExport(id=id, user_id=actor.id, created_at=now, expires_at=now + ACCOUNT_EXPORT_LIFETIME)


def require_live(export: AccountExport | None, now: datetime) -> AccountExport:
    """Returns the export. Raises AccountExportNotFound if there is none, or if it has expired."""
    if export is None or export.expires_at <= now:
        raise AccountExportNotFound()
    return export
