"""The attachments of mechanisms."""

from collections.abc import Sequence
from typing import Protocol

from mechshare.domain.attachments import Attachment
from mechshare.domain.ids import AttachmentId, MechanismId


class AttachmentRepository(Protocol):
    """Attachments are deleted with their mechanism."""

    async def lock(self, mechanism_id: MechanismId) -> None:
        """Lets other transactions that lock the attachments of this mechanism wait until this one ends, so that they
        never number or count them together."""

    async def add(self, attachment: Attachment) -> None:
        """Stores a new attachment. Raises MechanismNotFound."""

    async def save(self, attachment: Attachment) -> None:
        """Replaces the caption, the position and what is said of the thumbnail of a stored attachment."""

    async def delete(self, id: AttachmentId) -> None:
        """Deletes the attachment; no-op if there is none."""

    async def find_by_id(self, id: AttachmentId) -> Attachment | None: ...

    async def find_of(self, mechanism_id: MechanismId) -> tuple[Attachment, ...]:
        """Returns the attachments of the mechanism in their order."""

    async def find_undrawn(self, after: AttachmentId | None, *, limit: int) -> Sequence[Attachment]:
        """Returns the first `limit` 3-D models that have neither a thumbnail nor a reason why they have none, by their
        identifiers, which follow `after` if it is given."""
