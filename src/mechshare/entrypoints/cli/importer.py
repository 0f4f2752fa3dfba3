"""Shares the files of an import: uploads them ahead while earlier ones are processed."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from hashlib import file_digest
from io import BufferedReader
from pathlib import Path

import structlog

from mechshare.application import Application
from mechshare.domain.attachments import ReceivedFile
from mechshare.domain.errors import DomainException, OutOfSpace, Unavailable
from mechshare.domain.ids import MechanismId
from mechshare.domain.jobs import JobKind
from mechshare.domain.mechanisms import AuthoredMechanism, Mechanism
from mechshare.domain.originals import OriginalFile
from mechshare.domain.processing import ProcessingState
from mechshare.domain.statements import Statement
from mechshare.domain.thumbnails import own_thumbnail_of
from mechshare.domain.users import Actor
from mechshare.entrypoints.cli.explanations import explained
from mechshare.entrypoints.cli.manifests import ManifestAttachment, ManifestEntry
from mechshare.services.support.drafts import Draft

_CHUNK = 256 * 1024
_MAX_TITLE_LENGTH = 200
_MAX_AHEAD = 100
"""Mechanisms that are shared before an earlier one is ready."""
_POLL_SECONDS = 0.05
_RETRY_SECONDS = 1.0
_GRACE_SECONDS = 10.0
"""How long jobs that run at the end may go on."""
_log = structlog.get_logger("mechshare.import")


class Unreadable(Exception):
    """A file can't be read; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file to share, with what is known about it. The paths of its attachments are relative to `folder`."""

    path: Path
    folder: Path
    entry: ManifestEntry
    categories: Sequence[str]

    def statement(self) -> Statement:
        """Raises InvalidField."""
        title = self.path.stem.replace("_", " ").strip()[:_MAX_TITLE_LENGTH] or self.path.name
        return self.entry.statement(title, self.categories)


@dataclass(slots=True)
class Report:
    """The outcome for each file: (path, reason) for those that were refused or failed.

    `left` are mechanisms that existed before and are not published.
    """

    added: list[MechanismId] = field(default_factory=list)
    known: int = 0
    attached: int = 0
    left: list[tuple[Path, MechanismId]] = field(default_factory=list)
    refused: list[tuple[Path, str]] = field(default_factory=list)
    collections: list[str] = field(default_factory=list)
    """The titles of those that the manifests name."""


@dataclass(frozen=True, slots=True)
class _Shared:
    """A mechanism of this run."""

    source: Source
    id: MechanismId

    @property
    def path(self) -> Path:
        return self.source.path


class Importer:
    """Shares files as `actor`. `slots` jobs of the ledger run at a time."""

    def __init__(self, application: Application, actor: Actor, *, slots: int, publishes: bool) -> None:
        self.report = Report()
        self.found: dict[Path, MechanismId] = {}
        """The mechanisms of the files that this run has shared, or that existed."""
        self._application = application
        self._actor = actor
        self._slots = slots
        self._publishes = publishes
        self._shared: asyncio.Queue[_Shared | None] = asyncio.Queue()
        self._room = asyncio.Semaphore(_MAX_AHEAD)
        self._has_work = asyncio.Event()
        self._publishing = asyncio.Lock()
        self._is_ending = False
        self._processed: set[str] = set()
        """Mechanisms that this run has processed."""
        self._awaited: set[str] = set()
        """Mechanisms that this run has shared or found unfinished, and not published yet."""
        self._reached: set[str] = set()
        """Mechanisms that this run has published, or has decided not to publish."""

    async def run(self, sources: Sequence[Source]) -> AsyncIterator[Path]:
        """Shares all sources; yields the path of each whose mechanism is ready, failed or was refused."""
        sharing = asyncio.create_task(self._share_all(sources))
        workers = [asyncio.create_task(self._work()) for _ in range(self._slots)]
        try:
            while (shared := await self._shared.get()) is not None:
                await self._finish_or_refuse(shared)
                self._room.release()
                yield shared.path
            await sharing
        finally:
            self._is_ending = True
            self._room.release()
            self._has_work.set()
            # A file that is half shared would stay unpublished, and a job that is cut off waits for its lease.
            await asyncio.wait((sharing, *workers), timeout=_GRACE_SECONDS)
            for task in (sharing, *workers):
                task.cancel()
            await asyncio.gather(sharing, *workers, return_exceptions=True)

    async def _share_all(self, sources: Sequence[Source]) -> None:
        try:
            for source in sources:
                await self._room.acquire()
                if self._is_ending:
                    break
                await self._share_or_refuse(source)
        finally:
            self._shared.put_nowait(None)

    async def _share_or_refuse(self, source: Source) -> None:
        try:
            self._shared.put_nowait(await self._share(source))
            self._has_work.set()
        except (DomainException, Unreadable) as refusal:
            self.report.refused.append((source.path, why(refusal)))
            self._room.release()

    async def _share(self, source: Source) -> _Shared:
        digest = await asyncio.to_thread(_digest_of, source.path)
        existing = await self._application.mechanisms.find_by_original(self._actor.id, digest)
        if existing is None:
            mechanism = (await self._create(source)).mechanism
            self.report.added.append(mechanism.id)
        else:
            mechanism = existing
            self.report.known += 1
        self.found[source.path] = mechanism.id
        await self._attach_missing(mechanism, source)
        is_new = mechanism.processing.state is not ProcessingState.READY or mechanism.id in self._processed
        if is_new and mechanism.id not in self._reached:
            self._awaited.add(mechanism.id)
        if mechanism.id in self._processed:
            await self._note_processed(mechanism.id)
        return _Shared(source, mechanism.id)

    async def _create(self, source: Source) -> AuthoredMechanism:
        statement, uploads = source.statement(), self._application.uploads
        original = await uploads.receive(
            self._actor, _chunks_of(source.path), source.path.name, has_quota=False
        )
        async with self._discarding_if_refused(original):
            draft = Draft(
                statement=statement,
                media=replace(original, trim=source.entry.trim),
                visibility=source.entry.visibility,
                thumbnail_at=source.entry.thumbnail_at,
            )
            return await self._application.mechanisms.import_mechanism(self._actor, draft)

    async def _choose_missing_thumbnail(self, shared: _Shared) -> None:
        """Chooses the picture that the manifest names for the thumbnail, unless another one was sent for it."""
        named, application = shared.source.entry.thumbnail, self._application
        if not named:
            return
        mechanism = (await application.mechanisms.get_mechanism(self._actor, shared.id)).mechanism
        if mechanism.media is None or own_thumbnail_of(mechanism) is not None:
            return
        path = shared.source.folder / named
        picture = await application.uploads.receive_thumbnail(
            self._actor, _chunks_of(path), path.name, has_quota=False
        )
        async with self._discarding_if_refused(picture):
            await application.thumbnails.choose_own_thumbnail(self._actor, shared.id, picture)

    async def _attach_missing(self, mechanism: Mechanism, source: Source) -> None:
        """Adds the attachments that the mechanism lacks, as after an interruption."""
        wanted = source.entry.named_attachments
        if not wanted:
            return
        attached = await self._application.attachments.find_all(self._actor, mechanism.id)
        digests = {one.sha256 for one in attached}
        for one in wanted:
            path = source.folder / one.file
            if await asyncio.to_thread(_digest_of, path) not in digests:
                await self._attach(mechanism.id, path, one)
                self.report.attached += 1

    async def _attach(self, id: MechanismId, path: Path, attachment: ManifestAttachment) -> None:
        uploads = self._application.uploads
        file = await uploads.receive_attachment(self._actor, _chunks_of(path), path.name, has_quota=False)
        async with self._discarding_if_refused(file):
            await self._application.attachments.add(self._actor, id, file, attachment.caption)

    @asynccontextmanager
    async def _discarding_if_refused(self, file: OriginalFile | ReceivedFile) -> AsyncIterator[None]:
        """Discards a stored file if what is to use it is refused."""
        try:
            yield
        except Unavailable:
            raise  # what uses the file may have been committed, so the file must stay
        except DomainException:
            await self._application.uploads.discard(file)
            raise

    async def _finish_or_refuse(self, shared: _Shared) -> None:
        try:
            await self._finish(shared)
        except (DomainException, Unreadable) as refusal:
            self.report.refused.append((shared.path, why(refusal)))

    async def _finish(self, shared: _Shared) -> None:
        """Waits until the mechanism is ready or failed, and reports it."""
        await self._when_processed(shared.id)
        await self._choose_missing_thumbnail(shared)
        await self._publish(shared.id)
        mechanism = (await self._application.mechanisms.get_mechanism(self._actor, shared.id)).mechanism
        if mechanism.processing.failure is not None:
            self.report.refused.append((shared.path, mechanism.processing.failure.message("en")))
        elif self._publishes and not mechanism.is_published and not await self._published_late(shared.id):
            self.report.left.append((shared.path, shared.id))

    async def _publish(self, id: MechanismId) -> None:
        """Publishes the mechanism once, if this run awaits it.

        One that was ready before may have been withdrawn; one that was not ready was left by an interrupted run. A
        second file with the same content finds a mechanism that is no longer awaited.
        """
        async with self._publishing:
            if not self._publishes or id not in self._awaited:
                return
            self._awaited.discard(id)
            self._reached.add(id)
            mechanism = (await self._application.mechanisms.get_mechanism(self._actor, id)).mechanism
            if mechanism.processing.failure is None and mechanism.withdrawn_reason is None:
                await self._application.mechanisms.publish(self._actor, id)

    async def _published_late(self, id: MechanismId) -> bool:
        """Publishes a mechanism that was ready when its file was reached, if a job of this run that was just ending had
        made it ready. Returns whether it did."""
        await asyncio.sleep(_POLL_SECONDS)
        if id not in self._processed or id in self._reached:
            return False
        self._awaited.add(id)
        await self._publish(id)
        return True

    async def _when_processed(self, id: MechanismId) -> None:
        while True:
            found = await self._application.mechanisms.get_mechanism(self._actor, id)
            if found.mechanism.processing.has_ended:
                return
            await asyncio.sleep(_POLL_SECONDS)

    async def _work(self) -> None:
        """Runs jobs of the ledger, once there is a mechanism to process, until the import ends."""
        await self._has_work.wait()
        while not self._is_ending:
            try:
                job = await self._application.runner.run_one()
                if job is None:
                    await self._application.runner.reap()
                    await asyncio.sleep(_POLL_SECONDS)
                elif job.kind is JobKind.PROCESS_MECHANISM_FILE:
                    await self._note_processed(MechanismId(job.subject))
            except (Unavailable, OutOfSpace) as down:
                _log.warning("dependency_unavailable", problem=down.message)
                await asyncio.sleep(_RETRY_SECONDS)
            except Exception:
                _log.exception("worker_error")
                await asyncio.sleep(_RETRY_SECONDS)

    async def _note_processed(self, id: MechanismId) -> None:
        """Publishes the mechanism at once, as an interruption may come, unless processing is to be tried again."""
        self._processed.add(id)
        if id not in self._awaited:
            return
        with suppress(DomainException):  # `_finish` meets and reports the same
            found = await self._application.mechanisms.get_mechanism(self._actor, id)
            if found.mechanism.processing.has_ended:
                await self._publish(id)


def why(refusal: Exception) -> str:
    return explained(refusal) if isinstance(refusal, DomainException) else str(refusal)


def _digest_of(path: Path) -> str:
    with _reading(path) as file:
        return file_digest(file, "sha256").hexdigest()


async def _chunks_of(path: Path) -> AsyncIterator[bytes]:
    with _reading(path) as file:
        while chunk := await asyncio.to_thread(file.read, _CHUNK):
            yield chunk


@contextmanager
def _reading(path: Path) -> Iterator[BufferedReader]:
    try:
        with path.open("rb") as file:
            yield file
    except OSError as problem:
        raise Unreadable(f"{path.name} can't be read: {problem.strerror}.") from problem
