"""Representations of mechanisms."""

from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from litestar import Request, Response
from msgspec import Struct

from mechshare.application import Application
from mechshare.domain.blobs import blob_key
from mechshare.domain.kinds import MechanismKind
from mechshare.domain.mechanisms import Author, AuthoredMechanism, Mechanism
from mechshare.domain.media import ProcessingFailure
from mechshare.domain.media_links import MediaLinks
from mechshare.domain.processing import Processing, ProcessingState
from mechshare.domain.statistics import Counts
from mechshare.domain.visibility import Visibility
from mechshare.entrypoints.http.protocol.auth import application_of
from mechshare.entrypoints.http.protocol.entity_tags import etag_of
from mechshare.entrypoints.http.protocol.responses import json_response
from mechshare.entrypoints.http.protocol.schema_names import published
from mechshare.entrypoints.http.representations.mechanism_fields import ReliabilityFields, TrimFields
from mechshare.entrypoints.http.representations.motions import (
    LoopResponse,
    MotionResponse,
    loop_response,
    motion_response,
)
from mechshare.entrypoints.http.representations.named_values import (
    NamedValueFields,
    named_value_fields,
)

MECHANISMS_PATH = "/api/v1/mechanisms"
MEDIA_PATH = "/api/v1/media/"


class MediaAddresses(NamedTuple):
    """Makes the URLs of stored media below `public_url`; `links` signs those that are not public, and all of a former
    `revision`."""

    links: MediaLinks
    public_url: str
    revision: int | None = None

    def of(self, url: str | None, *, is_public: bool, is_withdrawn: bool = False) -> str | None:
        """Returns the URL for clients of media that the domain calls `url`; URLs of other hosts stay unchanged."""
        key = blob_key(url) if url else None
        if key is None:
            return url
        address = f"{self.public_url}{MEDIA_PATH}{key.removeprefix('media/')}"
        if is_public and self.revision is None:
            return address
        signature = self.links.signature(key, is_withdrawn=is_withdrawn)
        return f"{address}?expires={self.links.expires}&signature={signature}"

    def of_file(self, mechanism: Mechanism) -> str | None:
        """Returns the URL for clients of the main file: a document has an address that does not contain its key."""
        if mechanism.kind is not MechanismKind.DOCUMENT or mechanism.file_url is None:
            return self.of(
                mechanism.file_url,
                is_public=mechanism.is_open,
                is_withdrawn=mechanism.withdrawn_reason is not None,
            )
        part = "document" if self.revision is None else f"revisions/{self.revision}/file"
        address = f"{self.public_url}{MECHANISMS_PATH}/{mechanism.id}/{part}"
        if (mechanism.is_open and self.revision is None) or mechanism.original_key is None:
            return address
        is_withdrawn = mechanism.withdrawn_reason is not None
        signature = self.links.signature(mechanism.original_key, is_withdrawn=is_withdrawn)
        return f"{address}?expires={self.links.expires}&signature={signature}"


def media_addresses(application: Application) -> MediaAddresses:
    """Returns media addresses whose signatures begin to be valid now."""
    return MediaAddresses(application.media.links(), application.settings.public_url)


@published("ProcessingReason")
class ReasonResponse(Struct):
    """Why processing failed, and what the uploader can do about it."""

    code: str
    message: str


@published("Processing")
class ProcessingResponse(Struct):
    state: ProcessingState
    reason: ReasonResponse | None


@published("Audio")
class AudioResponse(Struct):
    """The sound of the original, with `sample_rate` in Hz. The video has it as AAC, in stereo."""

    codec: str
    channels: int
    sample_rate: int


@published("Media")
class MediaResponse(Struct):
    """`width` and `height` in px, `frame_rate` in 1/s, `size` of the original in bytes and its `sha256`.

    `frame_rate` and `frame_count` are null where nothing moves; `page_count` is null except for documents
    whose pages are read.
    `thumbnail_at` is the moment that the author has chosen for the thumbnail, in seconds; null if mechshare chooses it.
    With `thumbnail_is_own`, the thumbnail is drawn from a picture that the author has sent. `thumbnail_failure` says
    why the one that was chosen last could not be drawn.
    `audio` is null without sound.
    """

    width: int
    height: int
    frame_rate: float | None
    frame_count: int | None
    page_count: int | None
    codec: str
    size: int
    sha256: str
    thumbnail_at: float | None
    audio: AudioResponse | None
    thumbnail_is_own: bool = False
    thumbnail_failure: ReasonResponse | None = None


@published("Stats")
class StatsResponse(Struct):
    """How many like the mechanism, have commented on it, viewed and downloaded it, and how many claims there are about
    it; at most 15 s old. They change neither `version` nor `updated_at`."""

    likes: int
    comments: int
    views: int
    downloads: int
    evidence: int


@published("Mechanism")
class MechanismResponse(Struct):
    """`duration` is in seconds, to the millisecond; it and the URLs are null until the file is ready.

    `file_url` is that of a clip's video, of a picture as it is shown, or of a document as it was sent. `duration` and
    `preview_url` stay null where nothing moves. Until the file is ready, `kind` is what its format suggests. URLs of
    files stored here are paths on this server, or absolute if MECHSHARE_PUBLIC_URL is set. URLs of a mechanism that
    not everybody may see are signed and expire. `is_published`: the audience of `visibility` sees it. `reliability`
    and `license` (an SPDX identifier) are null if its author states none. With `original_offered`, all who see
    the mechanism may download its original. `trim` is null if all of it is shown.
    `published_at` is when it became public first or, if it never was, when it was first published; null before that.
    `motion` is null until a clip is analysed, and `loop` and `motion_url` where nothing repeats. `motion_url` is the
    address of a picture with five moments of one period, laid over each other. `stated_period_s` is the period that the
    author states, null for none; lists are filtered and ordered by it, or else by the measured one in `motion`.
    `file_failure` says why the file that was sent last could not replace the main file.
    """

    id: str
    title: str
    description: str
    user_id: str
    user: Author
    kind: MechanismKind
    file_url: str | None
    thumbnail_url: str | None
    preview_url: str | None
    motion_url: str | None
    duration: float | None
    created_at: datetime
    updated_at: datetime
    is_published: bool
    published_at: datetime | None
    visibility: Visibility
    withdrawn_reason: str | None
    categories: tuple[str, ...]
    reliability: ReliabilityFields | None
    parameters: list[NamedValueFields]
    license: str | None
    original_offered: bool
    stated_period_s: float | None
    trim: TrimFields | None
    processing: ProcessingResponse
    file_failure: ReasonResponse | None
    media: MediaResponse | None
    motion: MotionResponse | None
    loop: LoopResponse | None
    stats: StatsResponse
    version: int


def processing_response(processing: Processing, language: str = "en") -> ProcessingResponse:
    return ProcessingResponse(processing.state, reason_response(processing.failure, language))


def stats_response(counts: Counts) -> StatsResponse:
    return StatsResponse(
        likes=counts.likes,
        comments=counts.comments,
        views=counts.views,
        downloads=counts.downloads,
        evidence=counts.evidence,
    )


def with_stats(encoded: bytes, counts: Counts) -> bytes:
    """Returns an encoded `MechanismResponse` with these counts as its `stats`."""
    before, key, after = encoded.rpartition(b'"stats":')  # not found in texts, whose quotes are escaped
    end = after.index(b"}") + 1
    return b"".join((before, key, msgspec.json.encode(stats_response(counts)), after[end:]))


def reason_response(failure: ProcessingFailure | None, language: str) -> ReasonResponse | None:
    return ReasonResponse(failure.code.value, failure.message(language)) if failure else None


def mechanism_response(item: AuthoredMechanism, addresses: MediaAddresses) -> MechanismResponse:
    """Returns the representation; URLs of a mechanism that not everybody may see are signed, since its readers may
    watch it."""
    mechanism = item.mechanism
    is_public, is_withdrawn = mechanism.is_open, mechanism.withdrawn_reason is not None
    return MechanismResponse(
        id=mechanism.id,
        title=mechanism.title,
        description=mechanism.description,
        user_id=mechanism.user_id,
        user=item.author,
        kind=mechanism.kind,
        file_url=addresses.of_file(mechanism),
        thumbnail_url=addresses.of(mechanism.thumbnail_url, is_public=is_public, is_withdrawn=is_withdrawn),
        preview_url=addresses.of(mechanism.preview_url, is_public=is_public, is_withdrawn=is_withdrawn),
        motion_url=addresses.of(mechanism.motion_url, is_public=is_public, is_withdrawn=is_withdrawn),
        duration=mechanism.duration,
        created_at=mechanism.created_at,
        updated_at=mechanism.updated_at,
        is_published=mechanism.is_published,
        published_at=mechanism.published_at,
        visibility=mechanism.visibility,
        withdrawn_reason=mechanism.withdrawn_reason,
        categories=mechanism.categories,
        reliability=msgspec.convert(mechanism.reliability, ReliabilityFields | None, from_attributes=True),
        parameters=named_value_fields(mechanism.parameters),
        license=mechanism.license,
        trim=_trim_of(mechanism),
        original_offered=mechanism.original_offered and mechanism.original is not None,
        stated_period_s=mechanism.stated_period,
        processing=processing_response(mechanism.processing),
        file_failure=_file_failure_of(mechanism),
        motion=motion_response(mechanism.motion),
        loop=loop_response(mechanism.motion),
        media=_media_of(mechanism),
        stats=stats_response(mechanism.counts),
        version=mechanism.version,
    )


def _media_of(mechanism: Mechanism) -> MediaResponse | None:
    media, original = mechanism.media, mechanism.original
    if media is None:
        return None
    stated = msgspec.convert(media, MediaResponse, from_attributes=True)
    if original is not None:
        stated.thumbnail_is_own = original.own_thumbnail is not None
        stated.thumbnail_failure = reason_response(original.thumbnail_failure, "en")
    return stated


def _file_failure_of(mechanism: Mechanism) -> ReasonResponse | None:
    return reason_response(mechanism.original.replacement_failure, "en") if mechanism.original else None


def _trim_of(mechanism: Mechanism) -> TrimFields | None:
    trim = mechanism.original.trim if mechanism.original else None
    return TrimFields(start=trim.start_ms, end=trim.end_ms) if trim else None


def mechanism_resource(
    request: Request[Any, Any, Any],
    item: AuthoredMechanism,
    status: int = 200,
    *,
    revision: int | None = None,
) -> Response[Any]:
    """Returns the response with one mechanism, whose access the route has checked; with Location unless it is a 200.
    `revision` is the former one whose file it shows, if it shows one."""
    addresses = media_addresses(application_of(request))._replace(revision=revision)
    body = msgspec.json.encode(mechanism_response(item, addresses))
    version = item.mechanism.version
    headers = {"Location": f"{MECHANISMS_PATH}/{item.mechanism.id}"} if status != 200 else {}
    return json_response(request, body, etag=etag_of(body, version), status=status, headers=headers)
