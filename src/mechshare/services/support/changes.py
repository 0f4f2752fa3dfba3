"""Stores a changed mechanism with the revision and the history of its reliability that the change makes."""

from datetime import datetime

from mechshare.domain.audit import NO_REQUEST
from mechshare.domain.events import MechanismChanged
from mechshare.domain.ids import UserId
from mechshare.domain.main_files import MainFile
from mechshare.domain.mechanisms import AuthoredMechanism, Mechanism
from mechshare.domain.revisions import MAX_REVISIONS, content_of, former_revision, with_latest_texts
from mechshare.domain.users import Actor
from mechshare.services.support.former_files import release_files
from mechshare.services.transactions import Transaction


async def save_changes(
    tx: Transaction, actor: Actor, before: Mechanism, after: Mechanism
) -> AuthoredMechanism:
    """Returns the mechanism as stored; stores nothing if nothing differs. Raises StaleVersion, CategoryNotFound."""
    after = with_latest_texts(before, after)
    if after == before:
        (unchanged,) = await tx.mechanisms.find_authored([after.id])
        return unchanged
    saved = await tx.mechanisms.save(after)
    await _add_revision(tx, actor, before, saved.mechanism)
    if after.reliability != before.reliability:
        await tx.reliability_history.add([saved.mechanism.reliability_change(actor.id)])
    await tx.record(MechanismChanged(before, after, actor_id=actor.id))
    return saved


async def _add_revision(tx: Transaction, actor: Actor, before: Mechanism, after: Mechanism) -> None:
    """Stores what `before` stated as a former revision, if `after` states something else."""
    if content_of(before) != content_of(after):
        await add_revision(tx, before, actor.id, after.updated_at)


async def add_revision(
    tx: Transaction, before: Mechanism, replaced_by: UserId, now: datetime, main_file: MainFile | None = None
) -> None:
    """Stores what `before` states as a former revision, with its main file if that is replaced, too. Of more than
    MAX_REVISIONS, the oldest ones and their files are deleted."""
    former = await tx.revisions.find_last_versions(before.id)
    number = former[-1][0] + 1 if former else 1
    await tx.revisions.add(former_revision(before, number, replaced_by, now, main_file))
    if number > MAX_REVISIONS:
        await tx.revisions.prune(before.id, number - MAX_REVISIONS + 1)
        await release_files(tx, before.id, NO_REQUEST.request_id)
