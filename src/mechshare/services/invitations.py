"""Creates, lists and revokes invitations."""

from dataclasses import dataclass

from mechshare.domain.audit import RequestMetadata
from mechshare.domain.ids import InvitationId
from mechshare.domain.invitations import (
    DEFAULT_INVITATION_DAYS,
    Invitation,
    InvitationNotFound,
    checked_uses,
    clean_note,
    invitation_expiry,
)
from mechshare.domain.policy import require_permission
from mechshare.domain.registration_events import InvitationCreated, InvitationRevoked
from mechshare.domain.users import OPERATOR_ID, Actor, Permission
from mechshare.ports.clock import Clock
from mechshare.ports.ids import IdSource
from mechshare.services.support.token_pairs import hash_of
from mechshare.services.transactions import Transactions


@dataclass(frozen=True, slots=True, kw_only=True)
class NewInvitation:
    note: str = ""
    max_uses: int = 1
    expires_in_days: int = DEFAULT_INVITATION_DAYS


class InvitationService:
    def __init__(self, transactions: Transactions, clock: Clock, ids: IdSource) -> None:
        self._transactions = transactions
        self._clock = clock
        self._ids = ids

    async def create(
        self, actor: Actor, new: NewInvitation, request_metadata: RequestMetadata
    ) -> tuple[Invitation, str]:
        """Returns a new invitation and its secret, which is stored nowhere; for admins.

        Raises UnauthorizedOperation, InvalidField.
        """
        require_permission(actor, Permission.MANAGE_USERS)
        now, secret = self._clock.now(), self._ids.new_secret()
        invitation = Invitation(
            id=InvitationId(self._ids.new_id()),
            hash=hash_of(secret),
            note=clean_note(new.note),
            created_by=None if actor.id == OPERATOR_ID else actor.id,
            created_at=now,
            expires_at=invitation_expiry(new.expires_in_days, now),
            max_uses=checked_uses(new.max_uses),
        )
        async with self._transactions.begin() as tx:
            await tx.invitations.add(invitation)
            await tx.record(InvitationCreated(invitation.id, actor.id, invitation.note, request_metadata))
        return invitation, secret

    async def find_all(self, actor: Actor) -> tuple[Invitation, ...]:
        """Returns all invitations, newest first, for admins; expired ones for a month. Raises UnauthorizedOperation."""
        require_permission(actor, Permission.MANAGE_USERS)
        async with self._transactions.read() as tx:
            return await tx.invitations.find_all()

    async def revoke(self, actor: Actor, id: InvitationId, request_metadata: RequestMetadata) -> None:
        """Ends an invitation at once, for admins. Raises UnauthorizedOperation, InvitationNotFound."""
        require_permission(actor, Permission.MANAGE_USERS)
        async with self._transactions.begin() as tx:
            if not await tx.invitations.delete(id):
                raise InvitationNotFound()
            await tx.record(InvitationRevoked(id, actor.id, request_metadata))

    async def is_valid(self, secret: str) -> bool:
        """Whether somebody can create an account with this invitation now, for the page that shows the form."""
        async with self._transactions.read() as tx:
            found = await tx.invitations.find_by_hash(hash_of(secret))
        return found is not None and found.is_valid(self._clock.now())
