"""Uploaded files that were never ready because their processing failed: they are deleted after a time."""

from dataclasses import replace
from datetime import datetime, timedelta

from mechshare.domain.errors import Conflict, NothingToRetry
from mechshare.domain.mechanisms import Mechanism
from mechshare.domain.processing import PENDING, ProcessingState


class OriginalDeleted(Conflict):
    code = "ORIGINAL_DELETED"
    messages = {
        "en": "The file was deleted, because its processing failed long ago. Upload it again.",
        "ja": "処理に失敗してから時間がたったため、ファイルは削除されました。もう一度アップロードしてください。",
    }


def failed_since(mechanism: Mechanism) -> datetime | None:
    """Returns when the mechanism, whose file was never ready and is still stored, was last changed: when its
    processing failed, or later. None for every other mechanism."""
    is_failed = mechanism.processing.state is ProcessingState.FAILED
    is_stored = mechanism.original is not None and mechanism.file_url is None
    return mechanism.updated_at if is_failed and is_stored else None


def deletion_due_at(mechanism: Mechanism, retention: timedelta | None) -> datetime | None:
    """Returns when the file of a failed mechanism is due to be deleted; None if it never is."""
    since = failed_since(mechanism)
    return since + retention if since and retention is not None else None


def is_original_deleted(mechanism: Mechanism) -> bool:
    """Whether the processing of the file failed and the file was deleted since."""
    return mechanism.processing.state is ProcessingState.FAILED and mechanism.original is None


def processing_retried(mechanism: Mechanism, now: datetime) -> Mechanism:
    """Returns the mechanism with pending processing. Raises NothingToRetry unless processing failed, and
    OriginalDeleted."""
    if mechanism.processing.state is not ProcessingState.FAILED:
        raise NothingToRetry(state=mechanism.processing.state.value)
    if mechanism.original is None:
        raise OriginalDeleted()
    return replace(mechanism, processing=PENDING, updated_at=now)
