"""The input for new mechanisms, and the mechanisms made from it."""

from dataclasses import dataclass
from datetime import datetime

from mechshare.domain.ids import MechanismId, UploadId
from mechshare.domain.kinds import MechanismKind, kind_of
from mechshare.domain.mechanisms import Mechanism, clean_duration
from mechshare.domain.originals import OriginalFile
from mechshare.domain.processing import PENDING, READY
from mechshare.domain.statements import Statement
from mechshare.domain.thumbnails import to_be_shown_at
from mechshare.domain.users import Actor
from mechshare.domain.visibility import Visibility
from mechshare.services.support.content_rules import ContentRules


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalMedia:
    """A clip hosted elsewhere; it is not fetched or checked. `duration` in seconds."""

    file_url: str
    thumbnail_url: str
    duration: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The input for a new mechanism: a statement with an uploaded file, or with a clip hosted elsewhere. `upload_id` is
    the upload in several requests that brought the file, and ends with the creation. With `removes_metadata`, the file
    is stored without its metadata once it is processed. The thumbnail of a clip shows the moment `thumbnail_at`, in
    seconds; None leaves the choice to mechshare."""

    statement: Statement
    media: OriginalFile | ExternalMedia
    removes_metadata: bool = False
    thumbnail_at: float | None = None
    visibility: Visibility = Visibility.PUBLIC
    upload_id: UploadId | None = None


def new_mechanism(
    id: MechanismId, actor: Actor, draft: Draft, rules: ContentRules, now: datetime
) -> Mechanism:
    """Returns the unpublished mechanism of the actor's that `draft` describes, whose categories are ids.

    Raises InvalidField, CategoryNotFound, EvidenceMissing.
    """
    external = draft.media if isinstance(draft.media, ExternalMedia) else None
    original = draft.media if isinstance(draft.media, OriginalFile) else None
    if original and draft.removes_metadata:
        original = original.metadata_to_be_removed()
    if original and draft.thumbnail_at is not None:
        original = to_be_shown_at(original, draft.thumbnail_at)
    clean_url = rules.external_hosts.clean_url
    new = Mechanism(
        id=id,
        title=draft.statement.title,
        description=draft.statement.description,
        user_id=actor.id,
        kind=kind_of(original.format) if original else MechanismKind.CLIP,
        file_url=clean_url("file_url", external.file_url) if external else None,
        thumbnail_url=clean_url("thumbnail_url", external.thumbnail_url) if external else None,
        duration=clean_duration(external.duration) if external else None,
        created_at=now,
        updated_at=now,
        visibility=draft.visibility,
        processing=READY if external else PENDING,
        original=original,
    ).described(draft.statement, now)
    rules.require_new_level(new)
    return new
