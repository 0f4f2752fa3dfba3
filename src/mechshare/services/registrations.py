"""Approves and rejects new accounts, where registration needs an approval."""

from mechshare.domain.audit import RequestMetadata
from mechshare.domain.errors import UserNotFound
from mechshare.domain.ids import UserId
from mechshare.domain.invitations import NotAwaitingApproval
from mechshare.domain.pagination import Page, PageRequest
from mechshare.domain.policy import require_permission
from mechshare.domain.registration_events import RegistrationApproved, RegistrationRejected
from mechshare.domain.users import Actor, Permission, User
from mechshare.ports.clock import Clock
from mechshare.services.transactions import Transaction, Transactions


class RegistrationService:
    def __init__(self, transactions: Transactions, clock: Clock) -> None:
        self._transactions = transactions
        self._clock = clock

    async def find_waiting(self, actor: Actor, request: PageRequest) -> Page[User]:
        """Returns a page of the accounts that await approval, oldest first, for admins.

        Raises UnauthorizedOperation.
        """
        require_permission(actor, Permission.MANAGE_USERS)
        async with self._transactions.read() as tx:
            return await tx.users.find_awaiting_approval(request)

    async def approve(self, actor: Actor, user_id: UserId, request_metadata: RequestMetadata) -> User:
        """Lets the person sign in. Raises UnauthorizedOperation, UserNotFound, NotAwaitingApproval."""
        require_permission(actor, Permission.MANAGE_USERS)
        async with self._transactions.begin() as tx:
            user = await _waiting(tx, user_id)
            approved = await tx.users.save(user.approved(self._clock.now()))
            await tx.record(RegistrationApproved(user.id, actor.id, request_metadata))
        return approved

    async def reject(self, actor: Actor, user_id: UserId, request_metadata: RequestMetadata) -> None:
        """Deletes the account, so that its names are free. Raises as `approve` does."""
        require_permission(actor, Permission.MANAGE_USERS)
        async with self._transactions.begin() as tx:
            user = await _waiting(tx, user_id)
            await tx.users.delete(user.id)
            await tx.record(RegistrationRejected(user.id, actor.id, request_metadata))


async def _waiting(tx: Transaction, user_id: UserId) -> User:
    user = await tx.users.find_by_id(user_id)
    if user is None:
        raise UserNotFound()
    if not user.awaits_approval:
        raise NotAwaitingApproval()
    return user
