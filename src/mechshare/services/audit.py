"""What was refused, written down."""

from mechshare.domain.audit import AuditAction, RequestMetadata
from mechshare.domain.errors import Forbidden
from mechshare.domain.users import Actor
from mechshare.ports.persistence.database import Database
from mechshare.services.support.audit import Auditor


class AuditService:
    def __init__(self, database: Database, auditor: Auditor) -> None:
        self._database = database
        self._auditor = auditor

    async def record_denial(
        self, actor: Actor, attempted: str, error: Forbidden, request_metadata: RequestMetadata
    ) -> None:
        """Records what `actor` was refused, in a transaction of its own: the refused one was rolled back."""
        await self._auditor.note_refusal(
            self._database, AuditAction.DENIED, actor.id, attempted, request_metadata, error.code
        )
