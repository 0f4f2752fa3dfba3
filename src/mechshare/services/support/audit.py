"""Writing down who did what."""

from mechshare.domain.audit import AuditAction, AuditEntry, RequestMetadata
from mechshare.domain.ids import UserId
from mechshare.domain.text import readable_text
from mechshare.ports.clock import Clock
from mechshare.ports.ids import IdSource
from mechshare.ports.persistence.database import Database, UnitOfWork

MAX_SUBJECT_LENGTH = 254
MAX_DETAIL_LENGTH = 500


class Auditor:
    """Makes audit entries: in the transaction of what they tell of, or in one of their own when that was refused."""

    def __init__(self, clock: Clock, ids: IdSource) -> None:
        self._clock = clock
        self._ids = ids

    async def note(
        self,
        tx: UnitOfWork,
        action: AuditAction,
        actor_id: UserId | None,
        subject: str,
        request_metadata: RequestMetadata,
        detail: str = "",
    ) -> None:
        entry = AuditEntry(
            id=self._ids.new_id(),
            at=self._clock.now(),
            action=action,
            actor_id=actor_id,
            subject=readable_text(subject, max_length=MAX_SUBJECT_LENGTH),
            address=request_metadata.address,
            request_id=request_metadata.request_id,
            detail=readable_text(detail, max_length=MAX_DETAIL_LENGTH),
        )
        await tx.audit.add(entry)

    async def note_refusal(
        self,
        database: Database,
        action: AuditAction,
        actor_id: UserId | None,
        subject: str,
        request_metadata: RequestMetadata,
        detail: str = "",
    ) -> None:
        async with database.begin() as tx:
            await self.note(tx, action, actor_id, subject, request_metadata, detail)
