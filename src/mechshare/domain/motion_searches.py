"""Searches for mechanisms that move as a clip does which is not kept."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from mechshare.domain.blobs import ORIGINALS
from mechshare.domain.errors import NotFound, UnsupportedMedia
from mechshare.domain.ids import MotionSearchId, UserId
from mechshare.domain.kinds import MechanismKind, kind_of
from mechshare.domain.media import ProcessingFailure
from mechshare.domain.motion import Motion, MotionAnalysis
from mechshare.domain.originals import OriginalFile
from mechshare.domain.processing import Processing, ProcessingState
from mechshare.domain.users import Actor

MOTION_SEARCH_LIFETIME = timedelta(days=1)
"""A search and what it found are deleted after this time; its clip is deleted as soon as it is analysed."""


class MotionSearchNotFound(NotFound):
    code = "MOTION_SEARCH_NOT_FOUND"
    messages = {
        "en": "The search does not exist or has expired. Send the clip again.",
        "ja": "検索が存在しないか、期限が切れています。動画をもう一度送ってください。",
    }


class NotAClip(UnsupportedMedia):
    code = "NOT_A_CLIP"
    messages = {
        "en": "Only clips can be searched by their motion. Send one: GIF, APNG, WebP, AVIF, MP4, WebM, MOV, MKV, "
        "AVI, TS or WMV.",
        "ja": "動きで検索できるのは動画だけです。GIF、APNG、WebP、AVIF、MP4、WebM、MOV、MKV、AVI、TS、WMV の"
        "いずれかを送ってください。",
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class MotionSearch:
    """`clip` is the uploaded file until it is analysed, None from then on. `motion` and `vector` are what the analysis
    found: None before, and if it found nothing. `failure` says why there was no analysis."""

    id: MotionSearchId
    user_id: UserId
    clip: OriginalFile | None
    motion: Motion | None = None
    vector: bytes | None = None
    failure: ProcessingFailure | None = None
    created_at: datetime
    expires_at: datetime

    @property
    def processing(self) -> Processing:
        if self.failure is not None:
            return Processing(state=ProcessingState.FAILED, failure=self.failure)
        return Processing(state=ProcessingState.PENDING if self.clip else ProcessingState.READY)

    def analysed(self, found: MotionAnalysis | None) -> "MotionSearch":
        """Returns the search with what was found, and without its clip."""
        motion, vector = (found.motion, found.vector) if found else (None, None)
        return replace(self, clip=None, motion=motion, vector=vector)

    def failed(self, failure: ProcessingFailure) -> "MotionSearch":
        """Returns the search as failed, without its clip."""
        return replace(self, clip=None, failure=failure)


def new_motion_search(actor: Actor, clip: OriginalFile, now: datetime) -> MotionSearch:
    """Returns the search by an uploaded clip. Raises NotAClip."""
    if kind_of(clip.format) is not MechanismKind.CLIP:
        raise NotAClip()
    return MotionSearch(
        id=search_of(clip.key),
        user_id=actor.id,
        clip=clip,
        created_at=now,
        expires_at=now + MOTION_SEARCH_LIFETIME,
    )


def search_of(key: str) -> MotionSearchId:
    """Returns the search by the clip that is stored under `key`: the identifier in the key."""
    return MotionSearchId(key.removeprefix(ORIGINALS).partition(".")[0])


def require_own(actor: Actor, search: MotionSearch | None, now: datetime) -> MotionSearch:
    """Returns the search. Raises MotionSearchNotFound also if it has expired or is another user's."""
    if search is None or search.user_id != actor.id or search.expires_at <= now:
        raise MotionSearchNotFound()
    return search
