"""Writing down who did what."""

from mechshare.domain.audit import AuditAction, AuditEntry, Origin
from mechshare.domain.ids import UserId
from mechshare.domain.text import readable_text
from mechshare.ports.clock import Clock
from mechshare.ports.ids import IdSource
from mechshare.ports.persistence import Database, UnitOfWork

LONGEST_SUBJECT = 254
LONGEST_DETAIL = 500


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
        origin: Origin,
        detail: str = "",
    ) -> None:
        entry = AuditEntry(
            id=self._ids.new_id(),
            at=self._clock.now(),
            action=action,
            actor_id=actor_id,
            subject=readable_text(subject, longest=LONGEST_SUBJECT),
            address=origin.address,
            request_id=origin.request_id,
            detail=readable_text(detail, longest=LONGEST_DETAIL),
        )
        await tx.audit.add(entry)

    async def note_refusal(
        self,
        database: Database,
        action: AuditAction,
        actor_id: UserId | None,
        subject: str,
        origin: Origin,
        detail: str = "",
    ) -> None:
        async with database.begin() as tx:
            await self.note(tx, action, actor_id, subject, origin, detail)
