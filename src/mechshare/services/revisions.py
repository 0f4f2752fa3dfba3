"""Reads the revisions of a mechanism and restores former ones."""

from collections.abc import Collection
from dataclasses import dataclass, replace

from mechshare.domain.ids import MechanismId
from mechshare.domain.mechanisms import AuthoredMechanism, Mechanism
from mechshare.domain.policy import Viewer, require_visible
from mechshare.domain.revisions import Revision, RevisionNotFound, revisions_of, sees_revision
from mechshare.ports.persistence.database import UnitOfWork
from mechshare.services.support.access import find_visible, shared_access
from mechshare.services.transactions import Transactions


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisedMechanism:
    """A mechanism with the content of one of its revisions."""

    item: AuthoredMechanism
    revision: Revision


class RevisionService:
    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    async def find_revisions(self, viewer: Viewer, mechanism_id: MechanismId) -> tuple[Revision, ...]:
        """Returns the revisions that are left, newest first; what was never public, only to editors.

        Raises MechanismNotFound, also if `viewer` may not see the mechanism.
        """
        async with self._transactions.read() as tx:
            mechanism = await find_visible(tx, viewer, mechanism_id)
            return await _visible(tx, viewer, mechanism)

    async def get_revised(self, viewer: Viewer, mechanism_id: MechanismId, number: int) -> RevisedMechanism:
        """Returns the mechanism with the content of the revision `number`. Raises MechanismNotFound,
        RevisionNotFound."""
        async with self._transactions.read() as tx:
            found = await tx.mechanisms.find_authored([mechanism_id])
            mechanism = found[0].mechanism if found else None
            mechanism = require_visible(viewer, mechanism, await shared_access(tx, viewer, mechanism))
            revisions = await _visible(tx, viewer, mechanism)
        revision = find_revision(revisions, number)
        revised = revision.applied_to(mechanism)
        return RevisedMechanism(item=replace(found[0], mechanism=revised), revision=revision)


async def _visible(tx: UnitOfWork, viewer: Viewer, mechanism: Mechanism) -> tuple[Revision, ...]:
    revisions = revisions_of(mechanism, await tx.revisions.find_former(mechanism.id))
    shared = await shared_access(tx, viewer, mechanism)
    return tuple(one for one in revisions if sees_revision(viewer, mechanism, one, shared))


def find_revision(revisions: Collection[Revision], number: int) -> Revision:
    """Returns the revision with this number. Raises RevisionNotFound."""
    found = next((one for one in revisions if one.number == number), None)
    if found is None:
        raise RevisionNotFound()
    return found
