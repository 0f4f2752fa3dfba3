"""Reads the revisions of a mechanism and restores former ones."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from mechshare.domain.ids import MechanismId
from mechshare.domain.mechanisms import AuthoredMechanism, Mechanism
from mechshare.domain.policy import Viewer, require_visible, sees_unpublished_of
from mechshare.domain.revisions import FormerRevision, Revision, RevisionNotFound, revisions_of
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
        """Returns the revisions that are left, newest first; what only a draft said, to its owner and admins alone.

        Raises MechanismNotFound, also if `viewer` may not see the mechanism.
        """
        async with self._transactions.read() as tx:
            mechanism = require_visible(viewer, await tx.mechanisms.find_by_id(mechanism_id))
            return _visible(viewer, mechanism, await tx.revisions.find_former(mechanism_id))

    async def get_revised(self, viewer: Viewer, mechanism_id: MechanismId, number: int) -> RevisedMechanism:
        """Returns the mechanism with the content of the revision `number`. Raises MechanismNotFound,
        RevisionNotFound."""
        async with self._transactions.read() as tx:
            found = await tx.mechanisms.find_authored([mechanism_id])
            mechanism = require_visible(viewer, found[0].mechanism if found else None)
            revisions = _visible(viewer, mechanism, await tx.revisions.find_former(mechanism_id))
        revision = find_revision(revisions, number)
        revised = revision.content.applied_to(mechanism)
        return RevisedMechanism(item=replace(found[0], mechanism=revised), revision=revision)


def _visible(viewer: Viewer, mechanism: Mechanism, former: Sequence[FormerRevision]) -> tuple[Revision, ...]:
    sees_drafts = sees_unpublished_of(viewer, mechanism.user_id)
    revisions = revisions_of(mechanism, former)
    return tuple(one for one in revisions if sees_drafts or one.was_published or one.is_current)


def find_revision(revisions: Collection[Revision], number: int) -> Revision:
    """Returns the revision with this number. Raises RevisionNotFound."""
    found = next((one for one in revisions if one.number == number), None)
    if found is None:
        raise RevisionNotFound()
    return found
