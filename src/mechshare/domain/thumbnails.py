"""What the thumbnail of a mechanism shows: what mechshare or the author chooses, or a picture that the author sends."""

from dataclasses import replace
from datetime import datetime

from mechshare.domain.blobs import BlobFacts, BlobReference, BlobRole, blob_key, blob_url
from mechshare.domain.errors import Conflict, InvalidField, UnsupportedMedia
from mechshare.domain.kinds import MechanismKind, kind_of
from mechshare.domain.mechanism_files import stored_reference
from mechshare.domain.mechanisms import MAX_DURATION, Mechanism
from mechshare.domain.media import SNIFF_BYTES, MediaFacts, MediaFormat, ProcessingFailure, sniff
from mechshare.domain.originals import OriginalFile

_FORMATS = frozenset((MediaFormat.JPEG, MediaFormat.PNG, MediaFormat.WEBP))


class NoThumbnailToChoose(Conflict):
    code = "NO_THUMBNAIL_TO_CHOOSE"
    messages = {
        "en": "You can choose a thumbnail only for a file that is stored here and ready, and a moment only for a clip.",
        "ja": "サムネイルを選べるのは、ここに保存され、処理が完了したファイルだけです。"
        "場面の時刻を選べるのは動画だけです。",
    }


class UnsupportedThumbnail(UnsupportedMedia):
    code = "UNSUPPORTED_THUMBNAIL"
    messages = {
        "en": "The picture of a thumbnail must be JPEG, PNG or WebP. Convert it and send it again.",
        "ja": "サムネイルの画像は JPEG、PNG、WebP のどれかにしてください。変換して、もう一度送ってください。",
    }


def require_thumbnail_format(head: bytes) -> MediaFormat:
    """Returns the format of a picture by its first SNIFF_BYTES bytes. Raises UnsupportedThumbnail."""
    format = sniff(head[:SNIFF_BYTES])
    if format not in _FORMATS:
        raise UnsupportedThumbnail()
    return format


def moment_in(stated: float | str | None) -> float | None:
    """Returns the seconds that a form or a program states, None for none. Raises InvalidField."""
    if stated is None or not str(stated).strip():
        return None
    try:
        return float(stated)
    except ValueError as error:
        raise InvalidField("thumbnail_at", en="must be a number.", ja="数値で指定してください。") from error


def to_be_shown_at(original: OriginalFile, at: float) -> OriginalFile:
    """Returns the new file with the moment that its thumbnail is to show, in seconds. Raises InvalidField."""
    if kind_of(original.format) is not MechanismKind.CLIP:
        raise InvalidField(
            "thumbnail_at",
            en="is for clips. Leave it out for pictures and documents.",
            ja="動画にだけ指定できます。画像と文書では指定しないでください。",
        )
    _require_within(at, MAX_DURATION)
    return replace(original, thumbnail_at=round(float(at), 3))


def with_chosen_moment(mechanism: Mechanism) -> Mechanism:
    """Returns the processed mechanism with the moment that its sender chose, or else the end of a shorter clip."""
    original, media = mechanism.original, mechanism.media
    if original is None or media is None or original.thumbnail_at is None:
        return mechanism
    if media.duration_ms is not None:
        media = replace(media, thumbnail_at=min(original.thumbnail_at, media.duration_ms / 1000))
    return replace(mechanism, original=replace(original, thumbnail_at=None), media=media)


def has_chosen_thumbnail(mechanism: Mechanism) -> bool:
    """Whether the thumbnail is another than the one that processing makes."""
    media = mechanism.media
    return own_thumbnail_of(mechanism) is not None or (media is not None and media.thumbnail_at is not None)


def choose_thumbnail(mechanism: Mechanism, at: float | None, now: datetime) -> Mechanism:
    """Returns the mechanism whose thumbnail is to show the moment `at`, in seconds from the start of the clip; None
    leaves the choice to mechshare. Raises NoThumbnailToChoose, InvalidField."""
    original, media = require_choosable(mechanism)
    if media.duration_ms is None:
        raise NoThumbnailToChoose()
    if at is not None:
        _require_within(at, media.duration_ms / 1000)
    chosen = replace(media, thumbnail_at=None if at is None else round(float(at), 3))
    without_picture = replace(original, own_thumbnail=None, thumbnail_failure=None)
    return replace(mechanism, original=without_picture, media=chosen, updated_at=now)


def choose_own_thumbnail(mechanism: Mechanism, picture: OriginalFile | None, now: datetime) -> Mechanism:
    """Returns the mechanism whose thumbnail is to show `picture`; None: what was chosen before. Raises
    NoThumbnailToChoose."""
    original, _ = require_choosable(mechanism)
    chosen = replace(original, own_thumbnail=picture, thumbnail_failure=None)
    return replace(mechanism, original=chosen, updated_at=now)


def require_choosable(mechanism: Mechanism) -> tuple[OriginalFile, MediaFacts]:
    """Returns the file of a mechanism whose thumbnail can be chosen. Raises NoThumbnailToChoose."""
    if mechanism.original is None or mechanism.media is None:
        raise NoThumbnailToChoose()
    return mechanism.original, mechanism.media


def own_thumbnail_of(mechanism: Mechanism) -> OriginalFile | None:
    return mechanism.original.own_thumbnail if mechanism.original else None


def own_thumbnail_references(mechanism: Mechanism, now: datetime) -> tuple[BlobReference, ...]:
    """Returns the reference of the picture that the author has sent for the thumbnail, if there is one."""
    picture = own_thumbnail_of(mechanism)
    if picture is None:
        return ()
    facts = BlobFacts(key=picture.key, size=picture.size, sha256=picture.sha256)
    return (stored_reference(mechanism, BlobRole.OWN_THUMBNAIL, facts, now),)


def show_thumbnail(mechanism: Mechanism, file: BlobFacts, now: datetime) -> Mechanism:
    return replace(mechanism, thumbnail_url=blob_url(file.key), updated_at=now)


def thumbnail_failed(mechanism: Mechanism, failure: ProcessingFailure, now: datetime) -> Mechanism:
    """Returns the mechanism with the thumbnail that it has, and why the chosen one was not drawn."""
    if mechanism.original is None:
        return mechanism
    original = replace(mechanism.original, own_thumbnail=None, thumbnail_failure=failure)
    return replace(mechanism, original=original, updated_at=now)


def is_preview(mechanism: Mechanism, reference: BlobReference) -> bool:
    """Whether the file is the preview, too: those of a still clip may be one file."""
    return mechanism.preview_url is not None and blob_key(mechanism.preview_url) == reference.key


def _require_within(at: float, duration: float) -> None:
    if not 0 <= at <= duration:
        raise InvalidField(
            "thumbnail_at",
            en=f"must be 0 to {duration} seconds, a moment of the clip.",
            ja=f"動画内の時刻を 0〜{duration} 秒で指定してください。",
        )
