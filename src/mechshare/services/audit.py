"""Records refused requests in the audit log."""

from mechshare.domain.audit import RequestMetadata
from mechshare.domain.errors import Forbidden
from mechshare.domain.events import AccessDenied
from mechshare.domain.users import Actor
from mechshare.services.transactions import Transactions


class AuditService:
    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    async def record_denial(
        self, actor: Actor, attempted: str, error: Forbidden, request_metadata: RequestMetadata
    ) -> None:
        """Records what `actor` was refused, in a separate transaction because that of the refused request was rolled
        back."""
        await self._transactions.record(AccessDenied(actor.id, attempted, error.code, request_metadata))
