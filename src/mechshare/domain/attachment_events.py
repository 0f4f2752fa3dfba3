"""What happens to attachments."""

from dataclasses import dataclass

from mechshare.domain.attachments import Attachment
from mechshare.domain.ids import AttachmentId, UserId


@dataclass(frozen=True, slots=True)
class AttachmentAdded:
    """A mechanism of `owner_id` got an attachment."""

    attachment: Attachment
    owner_id: UserId
    request_id: str


@dataclass(frozen=True, slots=True)
class AttachmentRemoved:
    """A mechanism lost its attachment, whose file is under `key`."""

    key: str
    request_id: str


@dataclass(frozen=True, slots=True)
class DrawingRequested:
    """An operator wants the thumbnail of a 3-D model, which a mechanism of `owner_id` has as an attachment."""

    attachment_id: AttachmentId
    owner_id: UserId


AttachmentEvent = AttachmentAdded | AttachmentRemoved | DrawingRequested
