"""Decides how people may join, by the mode of registration and their invitation."""

from dataclasses import dataclass

from mechshare.domain.ids import InvitationId
from mechshare.domain.invitations import InvitationRequired, RegistrationClosed, RegistrationMode
from mechshare.ports.clock import Clock
from mechshare.ports.persistence.database import UnitOfWork
from mechshare.services.support.token_pairs import hash_of
from mechshare.services.transactions import Transactions


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """How somebody may join: by an invitation, or after an approval, or without either."""

    invitation_hash: str | None = None
    awaits_approval: bool = False


ADMITTED = Admission()


class Admissions:
    def __init__(self, transactions: Transactions, clock: Clock, mode: RegistrationMode) -> None:
        self._transactions = transactions
        self._clock = clock
        self._mode = mode

    async def find(self, invitation: str) -> Admission:
        """Returns how somebody with this invitation, or with none, may join. Raises RegistrationClosed,
        InvitationRequired.

        Call it before names are looked up: strangers must not learn which are taken.
        """
        if self._mode is RegistrationMode.CLOSED:
            raise RegistrationClosed()
        if self._mode is RegistrationMode.OPEN:
            return ADMITTED
        async with self._transactions.read() as tx:
            found = await tx.invitations.find_by_hash(hash_of(invitation)) if invitation else None
        if found is not None and found.is_valid(self._clock.now()):
            return Admission(invitation_hash=found.hash)
        if invitation or self._mode is RegistrationMode.INVITATION:
            raise InvitationRequired()
        return Admission(awaits_approval=True)

    async def use(self, tx: UnitOfWork, admission: Admission) -> InvitationId | None:
        """Counts the use of the invitation, if there is one. Raises InvitationRequired if others have used it up."""
        if admission.invitation_hash is None:
            return None
        used = await tx.invitations.use(admission.invitation_hash, self._clock.now())
        if used is None:
            raise InvitationRequired()
        return used.id
