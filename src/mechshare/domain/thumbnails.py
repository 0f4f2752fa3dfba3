"""The author's choice of the moment that the thumbnail of a clip shows."""

from dataclasses import replace
from datetime import datetime

from mechshare.domain.blobs import BlobFacts, BlobReference, blob_key, blob_url
from mechshare.domain.errors import Conflict, InvalidField
from mechshare.domain.mechanisms import Mechanism


class NoThumbnailToChoose(Conflict):
    code = "NO_THUMBNAIL_TO_CHOOSE"
    messages = {
        "en": "A thumbnail can be chosen only of a clip that is stored here and ready.",
        "ja": "サムネイルを選べるのは、ここに保存され、処理が完了した動画だけです。",
    }


def choose_thumbnail(mechanism: Mechanism, at: float | None, now: datetime) -> Mechanism:
    """Returns the mechanism whose thumbnail is to show the moment `at`, in seconds from the start of the clip; None
    leaves the choice to mechshare. Raises NoThumbnailToChoose, InvalidField."""
    media = mechanism.media
    if mechanism.original is None or media is None or media.duration_ms is None:
        raise NoThumbnailToChoose()
    duration = media.duration_ms / 1000
    if at is not None and not 0 <= at <= duration:
        raise InvalidField(
            "thumbnail_at",
            en=f"must be 0 to {duration} seconds, a moment of the clip.",
            ja=f"動画内の時刻を 0〜{duration} 秒で指定してください。",
        )
    chosen = None if at is None else round(float(at), 3)
    return replace(mechanism, media=replace(media, thumbnail_at=chosen), updated_at=now)


def show_thumbnail(mechanism: Mechanism, file: BlobFacts, now: datetime) -> Mechanism:
    return replace(mechanism, thumbnail_url=blob_url(file.key), updated_at=now)


def is_preview(mechanism: Mechanism, reference: BlobReference) -> bool:
    """Whether the file is the preview, too: those of a still clip may be one file."""
    return mechanism.preview_url is not None and blob_key(mechanism.preview_url) == reference.key
