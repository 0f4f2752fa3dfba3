"""Examines every dependency thoroughly, for an operator rather than a load balancer."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from mechshare.domain.blobs import ORIGINALS
from mechshare.domain.damage import DatabaseDamaged, DatabaseReplaced
from mechshare.domain.errors import MediaNotFound, OutOfSpace, SchemaOutdated, Unavailable
from mechshare.domain.jobs import INDEXING, JobKind
from mechshare.domain.media import MediaFormat
from mechshare.domain.motion import ANALYSIS
from mechshare.domain.pagination import EXACT_TOTAL, PageRequest, how_many
from mechshare.domain.search import SearchQuery
from mechshare.ports.blobs import BlobStore
from mechshare.ports.clock import Clock
from mechshare.ports.disks import Disks
from mechshare.ports.ids import IdSource
from mechshare.ports.media import MediaProcessor, MediaRejected
from mechshare.ports.persistence.database import Database
from mechshare.ports.search import SearchIndex
from mechshare.services.maintenance.index_comparison import Difference, find_differences
from mechshare.services.support.file_verification import VERIFIED_EVERY

MAX_CLOCK_SKEW = timedelta(seconds=1)
_MAX_CAUSE_LENGTH = 300
_MAX_DAMAGED = 100
_MAX_LISTED = 100
_PROBE = b"mechshare doctor\n" * 64


class Problem(StrEnum):
    DOWN = "down"
    OUTDATED = "outdated"
    DAMAGED = "damaged"
    REPLACED = "replaced"
    SKEWED = "skewed"
    FULL = "full"
    ALTERED = "altered"
    OUT_OF_SYNC = "out of sync"
    WEAK = "weak"


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorReport:
    """The result for one dependency; `problem` is None if it works."""

    name: str
    message: str
    problem: Problem | None = None
    is_essential: bool = True


class DoctorService:
    """Examines all dependencies; `optional` are the checks of the optional ones, by name."""

    def __init__(
        self,
        database: Database,
        blobs: BlobStore,
        index: SearchIndex,
        media: MediaProcessor,
        disks: Disks,
        optional: Mapping[str, Callable[[], Awaitable[str]]],
        clock: Clock,
        ids: IdSource,
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._index = index
        self._media = media
        self._disks = disks
        self._optional = optional
        self._clock = clock
        self._ids = ids

    async def examine(self) -> tuple[DoctorReport, ...]:
        """Examines `database`, `clock`, `disk`, `blobs`, `stored files`, `search`, `motions`, `models` and all
        optional ones.

        Writes, reads and deletes a blob. Reports failures of dependencies and does not raise them.
        """
        reports = [
            await _report("database", self._database.verify),
            await self._examine_clock(),
            await self._examine_disk(),
            await self._examine_blobs(),
            await self._examine_stored_files(),
            await self._examine_search(),
            await self._examine_motions(),
            await self._examine_models(),
        ]
        reports += [await _report(name, check, is_essential=False) for name, check in self._optional.items()]
        return tuple(reports)

    async def examine_processing(self, clip: Path, into: Path) -> DoctorReport:
        """Processes the GIF `clip` and reports on `processing`. Leaves the derivatives in the folder `into`."""
        try:
            derivatives = await self._media.process(clip, MediaFormat.GIF, into, _ignore_progress)
        except MediaRejected as problem:
            return DoctorReport(name="processing", message=str(problem), problem=Problem.DOWN)
        except Unavailable as down:
            return _down("processing", down)
        message = f"{derivatives.facts.frame_count} frames, {derivatives.facts.duration_ms} ms"
        return DoctorReport(name="processing", message=message)

    async def examine_isolation(self) -> DoctorReport:
        """Reports on `isolation`: the layers that protect this machine from the files that it decodes."""
        try:
            layers = await self._media.isolation()
        except MediaRejected as problem:
            return DoctorReport(name="isolation", message=str(problem), problem=Problem.DOWN)
        except Unavailable as down:
            return _down("isolation", down)
        message = f"files are decoded with {', '.join(layers.active)}"
        if not layers.missing:
            return DoctorReport(name="isolation", message=message)
        message += f"; this machine lacks {', '.join(layers.missing)}"
        return DoctorReport(name="isolation", message=message, problem=Problem.WEAK, is_essential=False)

    async def _examine_clock(self) -> DoctorReport:
        before = self._clock.now()
        try:
            database_time = await self._database.now()
        except Unavailable:
            message = "the database does not respond, so its clock was not compared"
            return DoctorReport(name="clock", message=message, problem=Problem.DOWN, is_essential=False)
        ahead = database_time - before - (self._clock.now() - before) / 2
        message = f"the database's clock is {abs(ahead.total_seconds()):.3f} s {_side(ahead)} this machine's"
        problem = Problem.SKEWED if abs(ahead) > MAX_CLOCK_SKEW else None
        return DoctorReport(name="clock", message=message, problem=problem, is_essential=False)

    async def _examine_disk(self) -> DoctorReport:
        try:
            space = await self._disks.find_tightest()
        except Unavailable as down:
            return _down("disk", down)
        message = (
            f"{_gibibytes(space.free_bytes)} GiB free at {space.place}, "
            f"of which {_gibibytes(space.reserve_bytes)} GiB are reserved"
        )
        return DoctorReport(name="disk", message=message, problem=Problem.FULL if space.room < 0 else None)

    async def _examine_blobs(self) -> DoctorReport:
        key = f"health/{self._ids.new_id()}"
        try:
            await self._blobs.write(key, _probe())
            try:
                content = b"".join([chunk async for chunk in self._blobs.read(key)])
            finally:
                await self._blobs.delete(key)
        except OutOfSpace as full:
            return DoctorReport(name="blobs", message=full.message, problem=Problem.FULL)
        except Unavailable as down:
            return _down("blobs", down)
        except MediaNotFound:
            content = b""
        if content != _PROBE:
            message = f"{len(_PROBE)} bytes were written, and different ones were read back"
            return DoctorReport(name="blobs", message=message, problem=Problem.ALTERED)
        return DoctorReport(name="blobs", message=f"{len(_PROBE)} bytes written, read back and deleted")

    async def _examine_stored_files(self) -> DoctorReport:
        """Reports the damage that verifications found; reads no file."""
        name = "stored files"
        try:
            async with self._database.read() as tx:
                damaged = await tx.blob_verifications.find_damaged(limit=_MAX_DAMAGED + 1)
                overdue = await tx.blob_verifications.find_unverified(
                    self._clock.now() - 2 * VERIFIED_EVERY, limit=1
                )
                since = await tx.users.find_first_created_at()
        except Unavailable:
            message = "the database does not respond, so known damage was not listed"
            return DoctorReport(name=name, message=message, is_essential=False)
        if foreign := await self._find_foreign(since):
            message = (
                f"{foreign} is older than every account: the database is empty, or not the one of these files"
            )
            return DoctorReport(name=name, message=message, problem=Problem.REPLACED, is_essential=False)
        if damaged:
            count = f"{len(damaged)}" if len(damaged) <= _MAX_DAMAGED else f"more than {_MAX_DAMAGED}"
            first = damaged[0]
            message = f"{count} are damaged, the first is {first.key} ({first.damage})"
            return DoctorReport(name=name, message=message, problem=Problem.ALTERED, is_essential=False)
        if overdue:
            message = f"{overdue[0].key} was not verified within {2 * VERIFIED_EVERY.days} days"
            return DoctorReport(name=name, message=message, problem=Problem.OUTDATED, is_essential=False)
        return DoctorReport(name=name, message="no damage is known", is_essential=False)

    async def _find_foreign(self, since: datetime | None) -> str | None:
        """Returns an original that was written before `since`, if one is among the first _MAX_LISTED; else None."""
        listed = 0
        try:
            async for key in self._blobs.list(ORIGINALS):
                written_at = await self._blobs.written_at(key)
                if written_at is not None and (since is None or written_at < since):
                    return key
                if (listed := listed + 1) == _MAX_LISTED:
                    break
        except Unavailable:
            return None  # reported as the problem of the blob store
        return None

    async def _examine_motions(self) -> DoctorReport:
        """Counts the clips that no analysis of the present version has seen."""
        try:
            async with self._database.read() as tx:
                count = await tx.motions.count_unanalysed(ANALYSIS)
        except Unavailable:
            return DoctorReport(name="motions", message="not counted: see the database", is_essential=False)
        if not count:
            return DoctorReport(name="motions", message="every clip is analysed", is_essential=False)
        message = f"{count} clips were never analysed, or by an older version"
        return DoctorReport(name="motions", message=message, problem=Problem.OUTDATED, is_essential=False)

    async def _examine_models(self) -> DoctorReport:
        """Counts the attached 3-D models that have no thumbnail, and no job that draws one."""
        try:
            async with self._database.read() as tx:
                undrawn = len(await tx.attachments.find_undrawn(None, limit=EXACT_TOTAL + 1))
            waiting = await self._waiting(JobKind.DRAW_MODEL)
        except Unavailable:
            return DoctorReport(name="models", message="not counted: see the database", is_essential=False)
        if undrawn <= waiting:
            message = f"{waiting} wait to be drawn" if waiting else "none waits to be drawn"
            return DoctorReport(name="models", message=message, is_essential=False)
        message = f"attached 3-D models without a thumbnail: {how_many(undrawn - waiting)}"
        return DoctorReport(name="models", message=message, problem=Problem.OUTDATED, is_essential=False)

    async def _examine_search(self) -> DoctorReport:
        try:
            indexed = min((await self._index.search(SearchQuery(limit=1))).total, EXACT_TOTAL + 1)
        except Unavailable as down:
            return _down("search", down, is_essential=False)
        try:
            published, waiting = await self._published(), await self._waiting(*INDEXING)
            differences = await find_differences(self._database, self._index)
        except Unavailable:
            message = (
                f"the index holds {how_many(indexed)} published mechanisms; "
                "the database does not respond, so they were not compared"
            )
            return DoctorReport(name="search", message=message, is_essential=False)
        message = (
            f"the index holds {how_many(indexed)} published mechanisms, the database {how_many(published)}"
        )
        if waiting:
            message += f"; {waiting} changes are pending"
        if differences:
            message += f"; {_described(differences)}"
        problem = Problem.OUT_OF_SYNC if differences or indexed != published else None
        return DoctorReport(name="search", message=message, problem=problem, is_essential=False)

    async def _published(self) -> int:
        """Counts published mechanisms up to EXACT_TOTAL + 1; a search index need not count further."""
        async with self._database.read() as tx:
            return (await tx.mechanisms.find_all(PageRequest(limit=1))).counted

    async def _waiting(self, *kinds: JobKind) -> int:
        async with self._database.read() as tx:
            backlog = await tx.jobs.find_backlog()
        return sum(jobs.count for (kind, _), jobs in backlog.items() if kind in kinds)


def _described(differences: Collection[Difference]) -> str:
    missing = sum(indexed is None for _, indexed, _ in differences)
    extra = sum(published is None for _, _, published in differences)
    outdated = len(differences) - missing - extra
    return f"the index lacks {missing}, has {outdated} in another version, and {extra} that are not published"


async def _ignore_progress(step: str, fraction: float) -> None:
    """Ignores the progress of the trial clip."""


async def _probe() -> AsyncIterator[bytes]:
    yield _PROBE


async def _report(
    name: str, check: Callable[[], Awaitable[str]], *, is_essential: bool = True
) -> DoctorReport:
    try:
        return DoctorReport(name=name, message=await check(), is_essential=is_essential)
    except SchemaOutdated as outdated:
        return DoctorReport(
            name=name, message=outdated.message, problem=Problem.OUTDATED, is_essential=is_essential
        )
    except DatabaseDamaged as damage:
        message = f"is damaged ({cause_of(damage)})"
        return DoctorReport(name=name, message=message, problem=Problem.DAMAGED, is_essential=is_essential)
    except DatabaseReplaced as replaced:
        return DoctorReport(
            name=name, message=replaced.message, problem=Problem.REPLACED, is_essential=is_essential
        )
    except Unavailable as down:
        return _down(name, down, is_essential=is_essential)


def _down(name: str, down: Unavailable, *, is_essential: bool = True) -> DoctorReport:
    cause = cause_of(down)
    message = f"does not respond ({cause})" if cause else "does not respond"
    return DoctorReport(name=name, message=message, problem=Problem.DOWN, is_essential=is_essential)


def cause_of(problem: BaseException) -> str:
    """Returns the first line of the innermost exception's message; an empty string if there is none."""
    cause = problem
    while cause.__cause__ is not None:
        cause = cause.__cause__
    if cause is problem:
        return ""
    return str(cause).strip().partition("\n")[0][:_MAX_CAUSE_LENGTH] or type(cause).__name__


def _gibibytes(size: int) -> str:
    return f"{size / 2**30:.2f}"


def _side(ahead: timedelta) -> str:
    return "ahead of" if ahead > timedelta(0) else "behind"
