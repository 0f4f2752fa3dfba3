"""Lets authors choose the moment that the thumbnail shows, and draws it."""

from dataclasses import replace

from mechshare.domain.audit import NO_REQUEST, RequestMetadata
from mechshare.domain.blobs import BlobFacts, BlobRole, OwnerKind
from mechshare.domain.events import (
    MechanismChanged,
    ThumbnailChosen,
)
from mechshare.domain.ids import MechanismId
from mechshare.domain.jobs import Job
from mechshare.domain.mechanism_files import stored_reference
from mechshare.domain.mechanisms import AuthoredMechanism, Mechanism
from mechshare.domain.media import ProcessingFailure
from mechshare.domain.sharing_events import MechanismEditedByOther
from mechshare.domain.thumbnails import choose_thumbnail, is_preview, show_thumbnail
from mechshare.domain.users import Actor
from mechshare.ports.clock import Clock
from mechshare.services.derivation import Derivation
from mechshare.services.jobs import Completion, Progress, write_nothing
from mechshare.services.support.access import find_editable
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

        The present thumbnail stays until the new one is drawn. Raises MechanismNotFound, UnauthorizedOperation,
        NoThumbnailToChoose, InvalidField.
        """
        async with self._transactions.begin() as tx:
            mechanism = await find_editable(tx, actor, mechanism_id)
            chosen = choose_thumbnail(mechanism, at, self._clock.now())
            await tx.mechanisms.save(chosen)
            await tx.record(MechanismChanged(mechanism, chosen, actor_id=actor.id))
            await tx.record(ThumbnailChosen(chosen, request_metadata.request_id))
            if not mechanism.is_owned_by(actor.id):
                await tx.record(MechanismEditedByOther(mechanism_id, actor.id, request_metadata))
            (authored,) = await tx.mechanisms.find_authored([mechanism_id])
            return authored


class DrawThumbnail:
    """The job `draw_thumbnail`: draws the thumbnail that the author has chosen."""

    def __init__(self, transactions: Transactions, derivation: Derivation, clock: Clock) -> None:
        self._transactions = transactions
        self._derivation = derivation
        self._clock = clock

    async def run(self, job: Job, progress: Progress) -> Completion:
        async with self._transactions.read() as tx:
            mechanism = await tx.mechanisms.find_by_id(MechanismId(job.subject))
        if mechanism is None or mechanism.original is None or mechanism.media is None:
            return write_nothing
        at = mechanism.media.thumbnail_at
        file = await self._derivation.draw_thumbnail(
            mechanism.id, mechanism.original, at, job.fence, progress
        )

        async def publish(tx: Transaction) -> None:
            current = await tx.mechanisms.find_by_id(mechanism.id)
            # If the author has chosen again, the job of that choice draws the thumbnail.
            if current is not None and current.media is not None and current.media.thumbnail_at == at:
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
        shown = show_thumbnail(current, file, now)
        await tx.mechanisms.save(shown)
        await tx.record(MechanismChanged(current, shown, job.request_id))

    async def on_failed(self, tx: Transaction, job: Job, failure: ProcessingFailure) -> None:
        """Writes nothing: the clip keeps the thumbnail that it has."""

    async def on_retry(self, tx: Transaction, job: Job) -> None:
        """Writes nothing: no other data depends on it."""

    async def on_lost(self, job: Job) -> None:
        """Enqueues the deletion of a thumbnail that was stored after its mechanism was deleted."""
        await delete_orphaned_derivatives(self._transactions, job)
