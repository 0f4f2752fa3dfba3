"""Records refusals and reads of drafts in the audit log, and shows the log."""

from mechshare.domain.audit import EVERY_ENTRY, AuditEntry, AuditFilter, RequestMetadata
from mechshare.domain.errors import Forbidden
from mechshare.domain.events import AccessDenied, DraftRead, TokensRefused
from mechshare.domain.ids import MechanismId, UserId
from mechshare.domain.mechanisms import Mechanism
from mechshare.domain.pagination import Page, PageRequest
from mechshare.domain.policy import (
    Viewer,
    can_download_original,
    reads_drafts_of_others,
    require_permission,
    sees_by_power,
)
from mechshare.domain.users import Actor, Permission
from mechshare.ports.clock import Clock
from mechshare.services.support.access import shared_access
from mechshare.services.support.recent_reads import RecentReads
from mechshare.services.support.refused_tokens import RefusedTokens
from mechshare.services.transactions import Transactions


class AuditService:
    def __init__(self, transactions: Transactions, refused_tokens: RefusedTokens, clock: Clock) -> None:
        self._transactions = transactions
        self._refused_tokens = refused_tokens
        self._clock = clock
        self._recent_reads = RecentReads()

    async def find_all(
        self, actor: Actor, request: PageRequest, conditions: AuditFilter = EVERY_ENTRY
    ) -> Page[AuditEntry]:
        """Returns a page of the entries that meet `conditions`, newest first. Raises UnauthorizedOperation."""
        require_permission(actor, Permission.READ_AUDIT_LOG)
        async with self._transactions.read() as tx:
            return await tx.audit.find_all(request, conditions)

    async def record_denial(
        self, actor: Actor, attempted: str, error: Forbidden, request_metadata: RequestMetadata
    ) -> None:
        """Records what `actor` was refused, in a separate transaction because that of the refused request was rolled
        back."""
        await self._transactions.record(AccessDenied(actor.id, attempted, error.code, request_metadata))

    async def record_draft_read(
        self, reader: Actor, subject: MechanismId | UserId, request_metadata: RequestMetadata
    ) -> None:
        """Records that `reader` read the mechanism `subject`, or the list of that user's, by the rights of an admin or
        moderator."""
        await self._transactions.record(DraftRead(subject, reader.id, request_metadata))
        self._recent_reads.add(reader.id, subject, self._clock.now())

    async def record_read(
        self, reader: Viewer, mechanism: Mechanism, request_metadata: RequestMetadata
    ) -> None:
        """Records that `reader` read the mechanism, if only the rights of an admin or moderator show it to them."""
        if reader is None or mechanism.is_open or not reads_drafts_of_others(reader):
            return
        async with self._transactions.read() as tx:
            shared = await shared_access(tx, reader, mechanism)
        if sees_by_power(reader, mechanism, shared):
            await self.record_draft_read(reader, mechanism.id, request_metadata)

    async def record_draft_part_read(
        self, reader: Viewer, mechanism_id: MechanismId, request_metadata: RequestMetadata
    ) -> None:
        """Records that `reader` read a file or the processing of another's draft, if this process recorded no read of
        that draft by `reader` in the last hour."""
        if reader is None or not reads_drafts_of_others(reader):
            return
        if self._recent_reads.has(reader.id, mechanism_id, self._clock.now()):
            return
        async with self._transactions.read() as tx:
            mechanism = await tx.mechanisms.find_by_id(mechanism_id)
            shared = await shared_access(tx, reader, mechanism)
        if mechanism and sees_by_power(reader, mechanism, shared):
            await self.record_draft_read(reader, mechanism_id, request_metadata)

    async def record_original_read(
        self, reader: Viewer, mechanism_id: MechanismId, request_metadata: RequestMetadata
    ) -> None:
        """Records that `reader` read the original of another user that is not offered to everybody."""
        if reader is None:
            return
        async with self._transactions.read() as tx:
            mechanism = await tx.mechanisms.find_by_id(mechanism_id)
        if mechanism is None or not (
            mechanism.is_owned_by(reader.id) or can_download_original(None, mechanism)
        ):
            await self._transactions.record(DraftRead(mechanism_id, reader.id, request_metadata))

    async def record_refused_tokens(self) -> None:
        """Records how many bad tokens this process refused since the last call: one entry for each kind of token, so
        that a flood of them does not fill the log. Raises Unavailable; the numbers then count for the next call."""
        for kind, count in self._refused_tokens.counts():
            await self._transactions.record(TokensRefused(kind, count))
            self._refused_tokens.subtract(kind, count)
