"""Stores a changed mechanism with the revision and the history of its reliability that the change makes."""

from mechshare.domain.events import MechanismChanged
from mechshare.domain.mechanisms import AuthoredMechanism, Mechanism
from mechshare.domain.revisions import MAX_REVISIONS, content_of, former_revision
from mechshare.domain.users import Actor
from mechshare.services.transactions import Transaction


async def save_changes(
    tx: Transaction, actor: Actor, before: Mechanism, after: Mechanism
) -> AuthoredMechanism:
    """Returns the mechanism as stored; stores nothing if nothing differs. Raises StaleVersion, CategoryNotFound."""
    if after != before:
        saved = await tx.mechanisms.save(after)
        await _add_revision(tx, actor, before, saved)
        if after.reliability != before.reliability:
            await tx.reliability_history.add([saved.reliability_change(actor.id)])
        await tx.record(MechanismChanged(before, after, actor_id=actor.id))
    (authored,) = await tx.mechanisms.find_authored([after.id])
    return authored


async def _add_revision(tx: Transaction, actor: Actor, before: Mechanism, after: Mechanism) -> None:
    """Stores what `before` stated as a former revision, if `after` states something else."""
    if content_of(before) == content_of(after):
        return
    former = await tx.revisions.find_last_versions(before.id)
    number = former[-1][0] + 1 if former else 1
    await tx.revisions.add(former_revision(before, number, actor.id, after.updated_at))
    await tx.revisions.prune(before.id, number - MAX_REVISIONS + 1)
