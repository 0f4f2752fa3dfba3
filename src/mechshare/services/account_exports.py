"""Exports of accounts: a job writes everything that a user has here as a zip, which only the user can download."""

from collections.abc import AsyncIterator

from mechshare.domain.account_export_events import AccountExportEnded, AccountExportRequested
from mechshare.domain.account_exports import (
    AccountExport,
    AccountExportNotReady,
    AccountExportState,
    new_account_export,
    require_live,
)
from mechshare.domain.audit import NO_REQUEST, RequestMetadata
from mechshare.domain.errors import NothingToRetry
from mechshare.domain.ids import AccountExportId, UserId
from mechshare.domain.jobs import Job
from mechshare.domain.media import ProcessingFailure
from mechshare.domain.users import Actor
from mechshare.ports.blobs import BlobStore
from mechshare.ports.clock import Clock
from mechshare.ports.ids import IdSource
from mechshare.services.jobs import Completion, Progress, write_nothing
from mechshare.services.support.personal_data import PersonalData
from mechshare.services.support.zip_stream import zip_of
from mechshare.services.transactions import Transaction, Transactions


class AccountExportService:
    def __init__(self, transactions: Transactions, data: PersonalData, clock: Clock, ids: IdSource) -> None:
        self._transactions = transactions
        self._data = data
        self._clock = clock
        self._ids = ids

    async def request(self, actor: Actor, request_metadata: RequestMetadata = NO_REQUEST) -> AccountExport:
        """Enqueues an export, in place of an earlier one; returns the pending one if there is one already."""
        now = self._clock.now()
        async with self._transactions.begin() as tx:
            former = await tx.account_exports.find_of_user(actor.id)
            if former and former.state is AccountExportState.PENDING and former.expires_at > now:
                return former
            export = new_account_export(AccountExportId(self._ids.new_id()), actor, now)
            await tx.account_exports.put(export)
            if former is not None:
                await tx.record(AccountExportEnded(former, request_metadata.request_id))
            await tx.record(AccountExportRequested(export, request_metadata))
        return export

    async def find(self, actor: Actor) -> AccountExport:
        """Returns the actor's export, whatever its state. Raises AccountExportNotFound."""
        async with self._transactions.read() as tx:
            return require_live(await tx.account_exports.find_of_user(actor.id), self._clock.now())

    async def find_ready(self, actor: Actor) -> AccountExport:
        """Raises AccountExportNotFound, AccountExportNotReady."""
        export = await self.find(actor)
        if export.state is not AccountExportState.READY:
            raise AccountExportNotReady()
        return export

    def content_of(self, user_id: UserId) -> AsyncIterator[bytes]:
        """Yields the bytes of a zip that is made meanwhile, for the command line. Raises UserNotFound, Unavailable."""
        return zip_of(self._data.files_of(user_id))


class ExportAccount:
    """The job `export_account`: writes the zip of the export that is its subject."""

    def __init__(self, transactions: Transactions, data: PersonalData, blobs: BlobStore) -> None:
        self._transactions = transactions
        self._data = data
        self._blobs = blobs

    async def run(self, job: Job, progress: Progress) -> Completion:
        async with self._transactions.read() as tx:
            export = await tx.account_exports.find_by_id(AccountExportId(job.subject))
        if export is None:
            return write_nothing
        await progress("zip", 0.0)
        stored = await self._blobs.write(export.key, zip_of(self._data.files_of(export.user_id)))

        async def publish(tx: Transaction) -> None:
            if await tx.account_exports.find_by_id(export.id) is None:
                await tx.record(AccountExportEnded(export, job.request_id))
            else:
                await tx.account_exports.put(export.ready(stored.size))

        return publish

    async def on_failed(self, tx: Transaction, job: Job, failure: ProcessingFailure) -> None:
        current = await tx.account_exports.find_by_id(AccountExportId(job.subject))
        if current is not None:
            await tx.account_exports.put(current.failed())

    async def on_retry(self, tx: Transaction, job: Job) -> None:
        """Raises NothingToRetry: the user requests another export."""
        raise NothingToRetry(state=AccountExportState.FAILED.value)

    async def on_lost(self, job: Job) -> None:
        """Does nothing: the worker that owns the job now writes the same file."""
