"""Files beside the main file of a mechanism: drawings, models, code, data."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from mechshare.domain.blobs import BlobFacts, BlobReference, BlobRole
from mechshare.domain.errors import Conflict, NotFound
from mechshare.domain.file_types import ModelFormat, model_format_of
from mechshare.domain.ids import AttachmentId, MechanismId, UserId
from mechshare.domain.mechanism_files import stored_reference
from mechshare.domain.mechanisms import Mechanism
from mechshare.domain.media import ProcessingFailure
from mechshare.domain.text import clean_text

MAX_ATTACHMENTS = 50
"""Attachments of a mechanism."""
MAX_CAPTION = 500


class AttachmentNotFound(NotFound):
    code = "ATTACHMENT_NOT_FOUND"
    messages = {
        "en": "The mechanism has no such attachment.",
        "ja": "この機構には、指定された添付ファイルがありません。",
    }


class TooManyAttachments(Conflict):
    code = "TOO_MANY_ATTACHMENTS"
    messages = {
        "en": "A mechanism has at most {limit} attachments. Remove one first, or send several files as one archive.",
        "ja": "1 つの機構に添付できるファイルは {limit} 件までです。"
        "先にどれかを削除するか、複数のファイルを 1 つにまとめて送ってください。",
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedFile:
    """A stored file of any kind, of which nothing is made yet. `content_type` is what its content shows."""

    key: str
    name: str
    size: int
    sha256: str
    content_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """The file under the blob `key`. `name` is as its sender gave it; attachments are ordered by `position`, from 0.

    `thumbnail_key` is the blob of what is drawn of a 3-D model, None until it is drawn, and for all other files;
    `thumbnail_failure` says why a model could not be drawn.
    """

    id: AttachmentId
    mechanism_id: MechanismId
    key: str
    name: str
    size: int
    sha256: str
    content_type: str
    caption: str
    position: int
    created_at: datetime
    thumbnail_key: str | None = None
    thumbnail_failure: ProcessingFailure | None = None

    def captioned(self, caption: str) -> "Attachment":
        """Returns the attachment with another caption. Raises InvalidField."""
        return replace(self, caption=clean_caption(caption))

    @property
    def keys(self) -> tuple[str, ...]:
        """The blobs that are stored for the attachment."""
        return (self.key, self.thumbnail_key) if self.thumbnail_key else (self.key,)

    @property
    def model_format(self) -> ModelFormat | None:
        """The format of a 3-D model that can be drawn; None for every other file."""
        return model_format_of(self.content_type)


def clean_caption(caption: str) -> str:
    """Returns the caption as it is stored. Raises InvalidField."""
    return clean_text("caption", caption, min_length=0, max_length=MAX_CAPTION)


def new_attachment(
    id: AttachmentId, mechanism: Mechanism, file: ReceivedFile, caption: str, position: int, now: datetime
) -> tuple[Attachment, BlobReference]:
    """Returns the attachment and the reference of its file. Raises InvalidField."""
    attachment = Attachment(
        id=id,
        mechanism_id=mechanism.id,
        key=file.key,
        name=file.name or "file",
        size=file.size,
        sha256=file.sha256,
        content_type=file.content_type,
        caption=clean_caption(caption),
        position=position,
        created_at=now,
    )
    facts = BlobFacts(key=file.key, size=file.size, sha256=file.sha256)
    return attachment, stored_reference(mechanism, BlobRole.ATTACHMENT, facts, now)


def sent_reference(mechanism: Mechanism, file: ReceivedFile, sender: UserId, now: datetime) -> BlobReference:
    """Returns the reference of a file that somebody sent with a claim about the mechanism: it counts in the quota of
    `sender`, and is deleted with the mechanism."""
    facts = BlobFacts(key=file.key, size=file.size, sha256=file.sha256)
    return replace(stored_reference(mechanism, BlobRole.ATTACHMENT, facts, now), user_id=sender)


def moved(attachments: Sequence[Attachment], id: AttachmentId, position: int) -> tuple[Attachment, ...]:
    """Returns all attachments in their new order, numbered from 0, with `id` at `position` or else at the end."""
    others = [one for one in attachments if one.id != id]
    (one,) = (one for one in attachments if one.id == id)
    others.insert(min(max(position, 0), len(others)), one)
    return tuple(replace(one, position=number) for number, one in enumerate(others))
