"""Attachments in memory."""

from collections.abc import Sequence
from dataclasses import replace

from mechshare.adapters.persistence.memory.access import Access
from mechshare.adapters.persistence.memory.table import Column, ReferenceViolated, Table
from mechshare.adapters.persistence.memory.tables import KEY, MECHANISMS
from mechshare.domain.attachments import Attachment
from mechshare.domain.errors import MechanismNotFound
from mechshare.domain.ids import AttachmentId, MechanismId
from mechshare.ports.persistence.attachments import AttachmentRepository

ATTACHMENTS = Table(
    "attachments",
    Attachment,
    id=KEY,
    mechanism_id=Column(refers_to=MECHANISMS, cascades=True),
)


class MemoryAttachmentRepository(AttachmentRepository):
    def __init__(self, access: Access) -> None:
        self._access = access

    async def lock(self, mechanism_id: MechanismId) -> None:
        """Does nothing: one transaction runs at a time."""

    async def add(self, attachment: Attachment) -> None:
        try:
            self._access.write(ATTACHMENTS).insert(attachment)
        except ReferenceViolated as problem:
            raise MechanismNotFound() from problem

    async def save(self, attachment: Attachment) -> None:
        rows = self._access.write(ATTACHMENTS)
        stored = rows.find(attachment.id)
        if stored is not None:
            rows.put(
                replace(
                    stored,
                    caption=attachment.caption,
                    position=attachment.position,
                    thumbnail_key=attachment.thumbnail_key,
                    thumbnail_failure=attachment.thumbnail_failure,
                )
            )

    async def delete(self, id: AttachmentId) -> None:
        rows = self._access.write(ATTACHMENTS)
        if rows.find(id) is not None:
            rows.delete(id)

    async def find_by_id(self, id: AttachmentId) -> Attachment | None:
        return self._access.read(ATTACHMENTS).find(id)

    async def find_of(self, mechanism_id: MechanismId) -> tuple[Attachment, ...]:
        rows = [one for one in self._access.read(ATTACHMENTS) if one.mechanism_id == mechanism_id]
        return tuple(sorted(rows, key=lambda one: (one.position, one.id)))

    async def find_undrawn(self, after: AttachmentId | None, *, limit: int) -> Sequence[Attachment]:
        undrawn = [
            one
            for one in self._access.read(ATTACHMENTS)
            if one.model_format and one.thumbnail_key is None and one.thumbnail_failure is None
        ]
        later = [one for one in undrawn if one.id > (after or "")]
        return sorted(later, key=lambda one: one.id)[:limit]
