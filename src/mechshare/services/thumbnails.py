"""Lets authors choose the moment that a thumbnail shows, or send a picture for it, and draws it."""

from dataclasses import replace

from mechshare.domain.audit import NO_REQUEST, RequestMetadata
from mechshare.domain.blobs import BlobFacts, BlobRole, OwnerKind
from mechshare.domain.events import FileReplaced, MechanismChanged, ThumbnailChosen
from mechshare.domain.ids import MechanismId
from mechshare.domain.jobs import Job, JobKind, file_number
from mechshare.domain.mechanism_files import stored_reference
from mechshare.domain.mechanisms import AuthoredMechanism, Mechanism
from mechshare.domain.media import ProcessingFailure
from mechshare.domain.originals import OriginalFile
from mechshare.domain.sharing_events import MechanismEditedByOther
from mechshare.domain.thumbnails import (
    choose_own_thumbnail,
    choose_thumbnail,
    is_preview,
    own_thumbnail_of,
    own_thumbnail_references,
    require_choosable,
    show_thumbnail,
    thumbnail_failed,
)
from mechshare.domain.users import Actor
from mechshare.ports.clock import Clock
from mechshare.services.derivation import Derivation
from mechshare.services.jobs import Completion, Progress, write_nothing
from mechshare.services.support.access import find_changeable
from mechshare.services.support.cleanup import delete_orphaned_derivatives
from mechshare.services.transactions import Transaction, Transactions


class ThumbnailService:
    def __init__(self, transactions: Transactions, clock: Clock) -> None:
        self._transactions = transactions
        self._clock = clock

    async def choose_thumbnail(
        self,
        actor: Actor,
        mechanism_id: MechanismId,
        at: float | None,
        request_metadata: RequestMetadata = NO_REQUEST,
    ) -> AuthoredMechanism:
        """Enqueues the drawing of the thumbnail at `at`, in seconds; None leaves the choice to mechshare.

        The present thumbnail stays until the new one is drawn, and a picture that was sent for it is deleted. Raises
        MechanismNotFound, UnauthorizedOperation, NoThumbnailToChoose, InvalidField.
        """
        async with self._transactions.begin() as tx:
            mechanism = await find_changeable(tx, actor, mechanism_id)
            chosen = choose_thumbnail(mechanism, at, self._clock.now())
            return await self._save_choice(tx, actor, mechanism, chosen, request_metadata)

    async def require_choosable(self, actor: Actor, mechanism_id: MechanismId) -> None:
        """Raises what `choose_own_thumbnail` would raise, so that a caller need not receive a picture first."""
        async with self._transactions.read() as tx:
            require_choosable(await find_changeable(tx, actor, mechanism_id))

    async def choose_own_thumbnail(
        self,
        actor: Actor,
        mechanism_id: MechanismId,
        picture: OriginalFile,
        request_metadata: RequestMetadata = NO_REQUEST,
    ) -> AuthoredMechanism:
        """Enqueues the drawing of the thumbnail from `picture`, which takes the place of one that was sent before.

        The present thumbnail stays until then. The picture counts against the quota of the mechanism's owner. Raises
        MechanismNotFound, UnauthorizedOperation, NoThumbnailToChoose.
        """
        async with self._transactions.begin() as tx:
            mechanism = await find_changeable(tx, actor, mechanism_id)
            chosen = choose_own_thumbnail(mechanism, picture, self._clock.now())
            await tx.storage_quotas.release([picture.key])
            return await self._save_choice(tx, actor, mechanism, chosen, request_metadata)

    async def remove_own_thumbnail(
        self,
        actor: Actor,
        mechanism_id: MechanismId,
        request_metadata: RequestMetadata = NO_REQUEST,
    ) -> AuthoredMechanism:
        """Deletes the picture that was sent for the thumbnail, and enqueues the drawing of the one that was chosen
        before; without such a picture it is drawn again. Raises what `choose_own_thumbnail` raises."""
        async with self._transactions.begin() as tx:
            mechanism = await find_changeable(tx, actor, mechanism_id)
            chosen = choose_own_thumbnail(mechanism, None, self._clock.now())
            return await self._save_choice(tx, actor, mechanism, chosen, request_metadata)

    async def _save_choice(
        self,
        tx: Transaction,
        actor: Actor,
        before: Mechanism,
        chosen: Mechanism,
        request_metadata: RequestMetadata,
    ) -> AuthoredMechanism:
        await _replace_own_thumbnail(tx, before, chosen, request_metadata.request_id)
        await tx.mechanisms.save(chosen)
        await tx.record(MechanismChanged(before, chosen, actor_id=actor.id))
        await tx.record(ThumbnailChosen(chosen, request_metadata.request_id))
        if not before.is_owned_by(actor.id):
            await tx.record(MechanismEditedByOther(before.id, actor.id, request_metadata))
        (authored,) = await tx.mechanisms.find_authored([before.id])
        return authored


async def _replace_own_thumbnail(
    tx: Transaction, before: Mechanism, after: Mechanism, request_id: str
) -> None:
    """Stores the reference of the picture that was sent; the one that it replaces is deleted after the commit."""
    former = own_thumbnail_of(before)
    if former is not None:
        await tx.blob_references.delete_of(OwnerKind.MECHANISM, [before.id], roles=(BlobRole.OWN_THUMBNAIL,))
        await tx.record(FileReplaced(former.key, request_id))
    await tx.blob_references.add(own_thumbnail_references(after, after.updated_at))


class DrawThumbnail:
    """The job `draw_thumbnail`: draws the thumbnail that the author has chosen or sent."""

    def __init__(self, transactions: Transactions, derivation: Derivation, clock: Clock) -> None:
        self._transactions = transactions
        self._derivation = derivation
        self._clock = clock

    async def run(self, job: Job, progress: Progress) -> Completion:
        async with self._transactions.read() as tx:
            mechanism = await tx.mechanisms.find_by_id(MechanismId(job.subject))
        if mechanism is None or mechanism.original is None or mechanism.media is None:
            return write_nothing
        at, picture = mechanism.media.thumbnail_at, mechanism.original.own_thumbnail
        # Each drawing has a number of its own: a job may just be deleting the file of an earlier one.
        number = file_number(mechanism.version, job.fence)
        file = await self._derivation.draw_thumbnail(
            mechanism.id, picture or mechanism.original, None if picture else at, number, progress
        )

        async def publish(tx: Transaction) -> None:
            current = await tx.mechanisms.find_by_id(mechanism.id)
            # If the author has chosen again, the job of that choice draws the thumbnail.
            if current is None or current.media is None or own_thumbnail_of(current) != picture:
                return
            if picture or current.media.thumbnail_at == at:
                await self._show(tx, current, file, job)

        return publish

    async def _show(self, tx: Transaction, current: Mechanism, file: BlobFacts, job: Job) -> None:
        now = self._clock.now()
        replaced = await tx.blob_references.delete_of(
            OwnerKind.MECHANISM, [current.id], roles=(BlobRole.THUMBNAIL,)
        )
        references = {
            one.key: replace(one, role=BlobRole.PREVIEW) for one in replaced if is_preview(current, one)
        }
        references[file.key] = stored_reference(current, BlobRole.THUMBNAIL, file, now)
        present = await tx.blob_references.find_referenced(list(references))
        await tx.blob_references.add([one for key, one in references.items() if key not in present])
        for one in replaced:
            if one.key not in references:
                await tx.record(FileReplaced(one.key, job.request_id))
        shown = show_thumbnail(current, file, now)
        await tx.mechanisms.save(shown)
        await tx.record(MechanismChanged(current, shown, job.request_id))

    async def on_failed(self, tx: Transaction, job: Job, failure: ProcessingFailure) -> None:
        """Stores the reason and discards the picture that was sent: the mechanism keeps the thumbnail that it has."""
        current = await tx.mechanisms.find_by_id(MechanismId(job.subject))
        latest = await tx.jobs.find_latest(JobKind.DRAW_THUMBNAIL, job.subject)
        if current is None or [one.id for one in latest] != [job.id]:
            return
        failed = thumbnail_failed(current, failure, self._clock.now())
        await _replace_own_thumbnail(tx, current, failed, job.request_id)
        await tx.mechanisms.save(failed)
        await tx.record(MechanismChanged(current, failed, job.request_id))

    async def on_retry(self, tx: Transaction, job: Job) -> None:
        """Writes nothing: no other data depends on it."""

    async def on_lost(self, job: Job) -> None:
        """Enqueues the deletion of a thumbnail that was stored after its mechanism was deleted."""
        await delete_orphaned_derivatives(self._transactions, job)
