"""The mechanism: how something moves or why something happens, shared as a short clip, a picture or a document."""

from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from mechshare.domain.blobs import BlobFacts, blob_url
from mechshare.domain.derived_files import AnalysedClip, DerivedFiles
from mechshare.domain.errors import (
    InvalidField,
    NotReady,
    WithdrawnByModerator,
)
from mechshare.domain.ids import CategoryId, MechanismId, UserId
from mechshare.domain.kinds import MechanismKind, kind_of
from mechshare.domain.media import MediaFacts, ProcessingFailure
from mechshare.domain.motion import Motion, MotionKind
from mechshare.domain.named_values import NamedValue
from mechshare.domain.originals import OriginalFile, Replacement
from mechshare.domain.processing import PENDING, READY, Processing, ProcessingState
from mechshare.domain.reliability import Reliability, ReliabilityChange
from mechshare.domain.statements import Statement
from mechshare.domain.statistics import NOTHING_COUNTED, Counts
from mechshare.domain.text import clean_text
from mechshare.domain.users import User
from mechshare.domain.visibility import Visibility

MAX_DURATION = 24 * 3600.0
"""Seconds; the bound for clips on other hosts, whose duration is not verified."""
SUSPENSION_REASON = "The account was suspended. / アカウントが停止されました。"
"""The reason of a withdrawal that hides the mechanisms of a suspended account; its owner reads it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mechanism:
    """`duration` is in seconds, to the millisecond, and None until the clip is processed and where nothing moves.

    `file_url` (the playable clip, the picture, or the document as it was sent), `thumbnail_url` and `preview_url` (of
    clips) are https URLs for media on other hosts, or `blob:` URLs (see `mechshare.domain.blobs`) once a file stored
    here is ready. `kind` is what the format suggests until then: a GIF may turn out to be a picture.
    `license` is an SPDX identifier, None if the author states none. With `original_offered`, all who see the mechanism
    may download its original. `motion` is None until a clip is analysed, and `motion_url`, the picture of its phases,
    where nothing repeats. `stated_period` is the period that the author states, in seconds. `counts` are only read:
    storing a mechanism leaves them. The audience of `visibility` sees the mechanism while it `is_published`.
    `published_at` is when it became public first, or, as long as it was never public, when it was first published.
    """

    id: MechanismId
    title: str
    description: str
    user_id: UserId
    kind: MechanismKind = MechanismKind.CLIP
    file_url: str | None = None
    thumbnail_url: str | None = None
    preview_url: str | None = None
    motion_url: str | None = None
    duration: float | None = None
    created_at: datetime
    updated_at: datetime
    is_published: bool = False
    published_at: datetime | None = None
    has_been_public: bool = False
    visibility: Visibility = Visibility.PUBLIC
    categories: tuple[CategoryId, ...] = ()
    reliability: Reliability | None = None
    parameters: tuple[NamedValue, ...] = ()
    license: str | None = None
    original_offered: bool = False
    stated_period: float | None = None
    processing: Processing
    media: MediaFacts | None = None
    motion: Motion | None = None
    original: OriginalFile | None = None
    withdrawn_reason: str | None = None
    counts: Counts = NOTHING_COUNTED
    version: int = 0

    @property
    def is_public(self) -> bool:
        """Whether public lists and searches contain it."""
        return self.is_published and self.visibility is Visibility.PUBLIC

    @property
    def new_since(self) -> datetime:
        """The time by which feeds are ordered: of the publication; before that, and where none is known, of the
        creation."""
        return self.published_at or self.created_at

    @property
    def is_open(self) -> bool:
        """Whether everybody who has its address sees it, without signing in."""
        return self.is_published and self.visibility in (Visibility.PUBLIC, Visibility.UNLISTED)

    @property
    def original_key(self) -> str | None:
        """The key of the uploaded file; None for media on other hosts."""
        return self.original.key if self.original else None

    @property
    def replacement(self) -> Replacement | None:
        """The file that takes the place of the main file once it is processed."""
        return self.original.replacement if self.original else None

    @property
    def period(self) -> float | None:
        """The period by which lists are filtered and ordered, in seconds: the stated one, or else the measured one."""
        if self.stated_period is not None:
            return self.stated_period
        return self.motion.period if self.motion else None

    @property
    def period_rank(self) -> float:
        """The period; 0, before every other one, if none is known."""
        return self.period or 0.0

    @property
    def motion_kind(self) -> MotionKind | None:
        return self.motion.kind if self.motion else None

    @property
    def loops(self) -> bool:
        """Whether the whole clip is known to repeat without a jump."""
        return self.motion is not None and self.motion.loops

    @property
    def reliability_level(self) -> int | None:
        """The level that the author states, 1..5; None if nothing is stated."""
        return self.reliability.level if self.reliability else None

    @property
    def reliability_rank(self) -> int:
        """The level by which lists are ordered and filtered; 0, below every level, if nothing is stated."""
        return self.reliability_level or 0

    def reliability_change(self, changed_by: UserId) -> ReliabilityChange:
        """Returns the entry of the history for the level that the mechanism, as stored, now has."""
        return ReliabilityChange(
            mechanism_id=self.id,
            version=self.version,
            changed_by=changed_by,
            changed_at=self.updated_at,
            level=self.reliability_level,
            reason=self.reliability.reason if self.reliability else "",
        )

    def is_owned_by(self, user_id: UserId) -> bool:
        return self.user_id == user_id

    def publish(self, now: datetime) -> "Mechanism":
        """Returns the mechanism, visible to the audience of its visibility. Raises NotReady, WithdrawnByModerator."""
        if self.withdrawn_reason is not None:
            raise WithdrawnByModerator(reason=self.withdrawn_reason)
        if self.processing.state is not ProcessingState.READY:
            raise NotReady(state=self.processing.state.value)
        return self if self.is_published else replace(self, is_published=True, updated_at=now)._seen(now)

    def withdraw(self, now: datetime) -> "Mechanism":
        """Returns the mechanism as withdrawn: its owner may see it and publish it again."""
        return replace(self, is_published=False, updated_at=now) if self.is_published else self

    def withdraw_for(self, reason: str, now: datetime) -> "Mechanism":
        """Returns the mechanism as withdrawn by a moderator; it can be published again only after `reinstate`."""
        cleaned = clean_text("reason", reason, min_length=1, max_length=500)
        return replace(self, is_published=False, withdrawn_reason=cleaned, updated_at=now)

    def reinstate(self, now: datetime) -> "Mechanism":
        return replace(self, withdrawn_reason=None, updated_at=now)

    @property
    def statement(self) -> Statement:
        """What the author states, as it is stored."""
        return Statement(**_fields_of_statement(self))

    def described(self, statement: Statement, now: datetime) -> "Mechanism":
        """Returns the mechanism with what its author states. Raises InvalidField, CategoryNotFound."""
        return replace(self, **_fields_of_statement(statement.cleaned()), updated_at=now)

    def shown_to(self, visibility: Visibility, now: datetime) -> "Mechanism":
        """Returns the mechanism with another audience, which sees it at once if it is published."""
        if visibility is self.visibility:
            return self
        return replace(self, visibility=visibility, updated_at=now)._seen(now)

    def _seen(self, now: datetime) -> "Mechanism":
        """Returns the mechanism with its publication, if this is the first one, or the first one for everybody."""
        is_first_public = self.is_public and not self.has_been_public
        if is_first_public or (self.is_published and self.published_at is None):
            return replace(self, published_at=now, has_been_public=self.is_public)
        return self

    @property
    def is_ready(self) -> bool:
        return self.processing.state is ProcessingState.READY

    def to_be_processed(self) -> "Mechanism":
        """Returns the mechanism with pending processing; what was made before stays until it ends."""
        return replace(self, processing=PENDING)

    def processing_started(self, now: datetime) -> "Mechanism":
        return replace(self, processing=Processing(state=ProcessingState.PROCESSING), updated_at=now)

    def processed(
        self, facts: MediaFacts, files: DerivedFiles, now: datetime, motion: Motion | None = None
    ) -> "Mechanism":
        shown = files.video or files.picture
        key = shown.key if shown else self.original_key
        return replace(
            self,
            kind=_kind_of(files, self.original),
            media=facts,
            motion=motion,
            duration=facts.duration_ms / 1000 if facts.duration_ms else None,
            file_url=blob_url(key) if key else None,
            thumbnail_url=blob_url(files.thumbnail.key),
            preview_url=_url_of(files.preview),
            motion_url=_url_of(files.phases),
            processing=READY,
            updated_at=now,
        )

    def with_original(self, original: OriginalFile) -> "Mechanism":
        """Returns the mechanism with `original` in place of the former file."""
        return replace(self, original=original)

    def analysed(self, found: AnalysedClip, now: datetime) -> "Mechanism":
        """Returns the mechanism with its analysed motion and, if there is one, a new preview."""
        return replace(
            self,
            motion=found.motion.motion,
            preview_url=_url_of(found.preview) or self.preview_url,
            motion_url=_url_of(found.phases),
            updated_at=now,
        )

    def processing_failed(self, failure: ProcessingFailure, now: datetime) -> "Mechanism":
        failed = Processing(state=ProcessingState.FAILED, failure=failure)
        return replace(self, processing=failed, updated_at=now)


def _url_of(file: BlobFacts | None) -> str | None:
    return blob_url(file.key) if file else None


def _fields_of_statement(source: Mechanism | Statement) -> dict[str, Any]:
    return {field.name: getattr(source, field.name) for field in fields(Statement)}


def _kind_of(files: DerivedFiles, original: OriginalFile | None) -> MechanismKind:
    if files.video is not None:
        return MechanismKind.CLIP
    return MechanismKind.PICTURE if files.picture or original is None else kind_of(original.format)


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """The owner of a mechanism, as everyone may see them."""

    id: UserId
    username: str
    display_name: str


def author_of(user: User) -> Author:
    return Author(id=user.id, username=user.username, display_name=user.display_name)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthoredMechanism:
    """A mechanism joined with its author."""

    mechanism: Mechanism
    author: Author


def clean_duration(duration: float) -> float:
    """Returns a duration in seconds, above 0, rounded to the millisecond. Raises InvalidField."""
    if not 0.001 <= duration <= MAX_DURATION:
        raise InvalidField(
            "duration",
            en=f"must be 0.001 to {MAX_DURATION:.0f} seconds.",
            ja=f"0.001〜{MAX_DURATION:.0f} 秒で指定してください。",
        )
    return round(float(duration), 3)
