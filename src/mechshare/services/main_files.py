"""Replaces the main files of mechanisms, restores former ones, and deletes them."""

from collections.abc import Collection

from mechshare.domain.audit import NO_REQUEST, RequestMetadata
from mechshare.domain.blobs import BlobFacts, BlobRole
from mechshare.domain.events import FormerFileDeleted, MainFileSent, ProcessingRequested
from mechshare.domain.ids import MechanismId, UploadId
from mechshare.domain.main_files import FormerFileNotFound, new_file, require_replaceable, to_be_replaced
from mechshare.domain.mechanism_files import stored_reference
from mechshare.domain.mechanisms import AuthoredMechanism, Mechanism
from mechshare.domain.originals import OriginalFile, Replacement
from mechshare.domain.sharing_events import MechanismEditedByOther
from mechshare.domain.uploads import UploadNotFound
from mechshare.domain.users import Actor
from mechshare.domain.versions import require_version
from mechshare.ports.clock import Clock
from mechshare.services.support.access import find_changeable, find_managed
from mechshare.services.support.changes import save_changes
from mechshare.services.support.clip_limit import ClipLimit
from mechshare.services.support.former_files import prune_files, release_files
from mechshare.services.transactions import Transaction, Transactions


class MainFileService:
    def __init__(self, transactions: Transactions, clock: Clock, clip_limit: ClipLimit) -> None:
        self._transactions = transactions
        self._clock = clock
        self._clip_limit = clip_limit

    async def require_replaceable(
        self, actor: Actor, mechanism_id: MechanismId, versions: Collection[int] | None
    ) -> None:
        """Raises what `replace_file` would raise at present, so that a caller need not receive a file first."""
        async with self._transactions.read() as tx:
            mechanism = await find_changeable(tx, actor, mechanism_id)
            require_version(mechanism.version, versions)
            require_replaceable(mechanism)
            await self._clip_limit.require_room(tx, mechanism.user_id)

    async def replace_file(
        self,
        actor: Actor,
        mechanism_id: MechanismId,
        file: OriginalFile,
        *,
        versions: Collection[int] | None = None,
        request_metadata: RequestMetadata = NO_REQUEST,
        upload_id: UploadId | None = None,
    ) -> AuthoredMechanism:
        """Enqueues the processing of a stored `file`, which takes the place of the main file once it is ready; the
        upload in several requests that brought it, if any, ends.

        Until then, and if processing fails, the mechanism shows what it shows now. The former file stays, as a part of
        its revision. The file counts against the quota of the mechanism's owner. Raises MechanismNotFound,
        UnauthorizedOperation, StaleVersion, NoFileToReplace, TooManyUnfinishedClips, UploadNotFound.
        """
        async with self._transactions.begin() as tx:
            mechanism = await find_changeable(tx, actor, mechanism_id)
            require_version(mechanism.version, versions)
            if upload_id is not None and not await tx.uploads.delete(upload_id):
                raise UploadNotFound()
            replacement = Replacement(file=new_file(mechanism, file), sent_by=actor.id)
            saved = await self._process(tx, actor, mechanism, replacement, request_metadata)
            facts = BlobFacts(key=file.key, size=file.size, sha256=file.sha256)
            now = self._clock.now()
            await tx.blob_references.add([stored_reference(mechanism, BlobRole.ORIGINAL, facts, now)])
            await tx.storage_quotas.release([file.key])
            return saved

    async def restore_revision(
        self,
        actor: Actor,
        mechanism_id: MechanismId,
        number: int,
        *,
        versions: Collection[int] | None = None,
        request_metadata: RequestMetadata = NO_REQUEST,
    ) -> AuthoredMechanism:
        """Enqueues the processing of the former file that the revision `number` shows, as `replace_file` does. The
        texts of the revision take effect together with the file: if processing fails, neither does. Texts that are
        stated in the meantime stay.

        Raises what `replace_file` raises, and FormerFileNotFound.
        """
        async with self._transactions.begin() as tx:
            mechanism = await find_changeable(tx, actor, mechanism_id)
            require_version(mechanism.version, versions)
            former = await tx.revisions.find_former(mechanism_id)
            wanted = [one.content.file for one in former if one.number == number]
            found = [one.main_file for one in former if one.main_file and [one.content.file] == wanted]
            if not found:
                raise FormerFileNotFound()
            replacement = Replacement(file=found[-1].original, sent_by=actor.id, restores=number)
            return await self._process(tx, actor, mechanism, replacement, request_metadata)

    async def delete_former_file(
        self,
        actor: Actor,
        mechanism_id: MechanismId,
        number: int,
        request_metadata: RequestMetadata = NO_REQUEST,
    ) -> None:
        """Deletes the former file of a revision and what was made of it; the texts of the revision stay.

        Raises MechanismNotFound, UnauthorizedOperation, FormerFileNotFound.
        """
        async with self._transactions.begin() as tx:
            await find_managed(tx, actor, mechanism_id)
            former = await tx.revisions.find_former(mechanism_id)
            wanted = [one.content.file for one in former if one.number == number]
            holders = [one.number for one in former if one.main_file and [one.content.file] == wanted]
            if not holders:
                raise FormerFileNotFound()
            for holder in holders:
                await tx.revisions.drop_file(mechanism_id, holder)
            await release_files(tx, mechanism_id, request_metadata.request_id)
            await tx.record(FormerFileDeleted(mechanism_id, actor.id, number, request_metadata))

    async def prune(self, keep: int) -> int:
        """Deletes the former files of all mechanisms, except the latest `keep` of each; returns how many.

        For the operator: nobody's permission is asked.
        """
        async with self._transactions.read() as tx:
            ids = await tx.revisions.find_with_files()
        return sum([await self._prune(id, keep) for id in ids])

    async def _prune(self, id: MechanismId, keep: int) -> int:
        async with self._transactions.begin() as tx:
            return await prune_files(tx, id, keep, NO_REQUEST.request_id)

    async def _process(
        self,
        tx: Transaction,
        actor: Actor,
        mechanism: Mechanism,
        replacement: Replacement,
        request_metadata: RequestMetadata,
    ) -> AuthoredMechanism:
        await self._clip_limit.require_room(tx, mechanism.user_id)
        waiting = to_be_replaced(mechanism, replacement, self._clock.now())
        saved = await save_changes(tx, actor, mechanism, waiting)
        await tx.record(ProcessingRequested(saved.mechanism))
        await tx.record(MainFileSent(mechanism.id, actor.id, request_metadata))
        if not mechanism.is_owned_by(actor.id):
            await tx.record(MechanismEditedByOther(mechanism.id, actor.id, request_metadata))
        return saved
