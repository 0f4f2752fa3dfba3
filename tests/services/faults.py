"""Adapters that inject faults on request. They pass all other calls to the adapter that they wrap."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from mechshare.domain.blobs import BlobFacts
from mechshare.domain.disks import DiskSpace
from mechshare.domain.errors import DependencyUnavailable
from mechshare.domain.file_types import ModelFormat
from mechshare.domain.ids import JobId
from mechshare.domain.jobs import Job, JobKind
from mechshare.domain.media import MediaFormat, ProcessingFailure
from mechshare.domain.motion import MotionAnalysis
from mechshare.domain.search import SearchQuery, SearchResult
from mechshare.domain.search_documents import SearchDocument
from mechshare.domain.trims import Trim
from mechshare.ports.media import Derivatives, Isolation, MediaProcessor

OVER_AT_ONCE = timedelta(seconds=-1)
"""A lease that expires before the claim returns."""


class FaultyLedger:
    """Records each backoff and makes the job due at once; `lease`, when set, replaces every lease."""

    def __init__(self, inner: Any, faults: "FaultyDatabase") -> None:
        self._inner = inner
        self._faults = faults
        self.has_claimed = False

    async def claim(self, lease: timedelta, **options: Any) -> Job | None:
        claimed: Job | None = await self._inner.claim(self._faults.lease or lease, **options)
        self.has_claimed = claimed is not None
        return claimed

    async def renew(self, id: JobId, fence: int, lease: timedelta, step: str, progress: float) -> bool:
        return await self._inner.renew(id, fence, self._faults.lease or lease, step, progress)

    async def postpone(
        self, id: JobId, fence: int, delay: timedelta, failure: ProcessingFailure | None = None
    ) -> bool:
        self._faults.delays.append(delay)
        return await self._inner.postpone(id, fence, timedelta(0), failure)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class FaultyBatches:
    """`lease`, when set, replaces every lease."""

    def __init__(self, inner: Any, faults: "FaultyDatabase") -> None:
        self._inner = inner
        self._faults = faults
        self.has_claimed = False

    async def claim(self, kind: JobKind, lease: timedelta, **options: Any) -> tuple[Job, ...]:
        if self._faults.is_late:
            options.pop("due_for", None)
        claimed: tuple[Job, ...] = await self._inner.claim(kind, self._faults.lease or lease, **options)
        self.has_claimed = self.has_claimed or bool(claimed)
        return claimed

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class _UnitOfWork:
    def __init__(self, inner: Any, faults: "FaultyDatabase") -> None:
        self._inner = inner
        self.ledger = FaultyLedger(inner.ledger, faults)
        self.job_batches = FaultyBatches(inner.job_batches, faults)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class FaultyDatabase:
    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.is_down = False
        self.refused = asyncio.Semaphore(0)
        """Released once for each refusal."""
        self.lease: timedelta | None = None
        self.delays: list[timedelta] = []
        self.is_late = False
        """Every due job has been due for long."""
        self.ahead = timedelta(0)
        """How far the database's clock is ahead."""
        self.after_claim: Callable[[], Awaitable[None]] | None = None
        """Awaited once between a worker's claim and its work, like a worker that is suspended there."""

    @property
    def reads_at_a_time(self) -> int:
        found: int = self._inner.reads_at_a_time
        return found

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Any]:
        self._refuse()
        async with self._inner.begin() as tx:
            unit = _UnitOfWork(tx, self)
            yield unit
        has_claimed = unit.ledger.has_claimed or unit.job_batches.has_claimed
        if has_claimed and self.after_claim is not None:
            happens, self.after_claim = self.after_claim, None
            await happens()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Any]:
        self._refuse()
        async with self._inner.read() as tx:
            yield _UnitOfWork(tx, self)

    async def check(self) -> str:
        self._refuse()
        return str(await self._inner.check())

    async def verify(self) -> str:
        self._refuse()
        return str(await self._inner.verify())

    async def now(self) -> datetime:
        self._refuse()
        now: datetime = await self._inner.now()
        return now + self.ahead

    async def migrate(self) -> None:
        await self._inner.migrate()

    async def close(self) -> None:
        await self._inner.close()

    def _refuse(self) -> None:
        if self.is_down:
            self.refused.release()
            raise DependencyUnavailable(dependency="database")


class CountingCache:
    """Counts how often each tag is invalidated or refreshed."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.invalidated: Counter[str] = Counter()
        self.refreshed: Counter[str] = Counter()

    async def invalidate(self, *tags: str) -> None:
        self.invalidated.update(tags)
        await self._inner.invalidate(*tags)

    async def refresh(self, *tags: str) -> None:
        self.refreshed.update(tags)
        await self._inner.refresh(*tags)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class AdjustableDisks:
    """A disk whose free bytes a test sets; 1,000 of them are its reserve."""

    def __init__(self) -> None:
        self.free_bytes = 10**12

    async def find_tightest(self) -> DiskSpace:
        return DiskSpace(place="disk", free_bytes=self.free_bytes, reserve_bytes=1_000)


class FaultyBlobs:
    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.is_down = False
        self.after_write: Callable[[], Awaitable[None]] | None = None
        self.written: dict[str, datetime] = {}
        """Times of writing by key that replace the real ones."""
        self.unreadable: set[str] = set()

    async def write(self, key: str, chunks: AsyncIterator[bytes]) -> BlobFacts:
        self._refuse()
        facts: BlobFacts = await self._inner.write(key, chunks)
        if self.after_write is not None:
            happens, self.after_write = self.after_write, None
            await happens()
        return facts

    async def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        self._refuse()
        if key in self.unreadable:
            raise DependencyUnavailable(dependency="blob store")
        async for chunk in self._inner.read(key, start, end):
            yield chunk

    async def stat(self, key: str) -> int | None:
        self._refuse()
        size: int | None = await self._inner.stat(key)
        return size

    async def written_at(self, key: str) -> datetime | None:
        self._refuse()
        at: datetime | None = await self._inner.written_at(key)
        return self.written.get(key, at) if at else None

    async def delete(self, key: str) -> None:
        self._refuse()
        await self._inner.delete(key)

    def list(self, prefix: str) -> AsyncIterator[str]:
        self._refuse()
        keys: AsyncIterator[str] = self._inner.list(prefix)
        return keys

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def _refuse(self) -> None:
        if self.is_down:
            raise DependencyUnavailable(dependency="blob store")


class FaultyIndex:
    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.is_down = False
        self.before_put: Callable[[], Awaitable[None]] | None = None
        self.breaks_rebuilding = False
        self.poison: set[str] = set()
        """Titles that the index cannot store."""
        self.batches: list[int] = []
        """The number of documents of each `put`."""

    async def put(self, documents: list[SearchDocument]) -> None:
        self._refuse()
        if any(document.title in self.poison for document in documents):
            raise ValueError("poison")
        self.batches.append(len(documents))
        if self.before_put is not None:
            happens, self.before_put = self.before_put, None
            await happens()
        await self._inner.put(documents)

    async def search(self, query: SearchQuery) -> SearchResult:
        self._refuse()
        result: SearchResult = await self._inner.search(query)
        return result

    async def rebuild(self, documents: AsyncIterator[SearchDocument]) -> int:
        self._refuse()
        if self.breaks_rebuilding:
            raise ValueError("broken")
        count: int = await self._inner.rebuild(documents)
        return count

    async def needs_rebuild(self) -> bool:
        self._refuse()
        is_needed: bool = await self._inner.needs_rebuild()
        return is_needed

    async def wipe(self) -> None:
        """Empties the index, as a new disk does."""
        self._inner = type(self._inner)()

    async def suggest(self, prefix: str, limit: int, **options: Any) -> tuple[str, ...]:
        self._refuse()
        titles: tuple[str, ...] = await self._inner.suggest(prefix, limit, **options)
        return titles

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def _refuse(self) -> None:
        if self.is_down:
            raise DependencyUnavailable(dependency="search index")


class FaultyMedia:
    """Each call consumes one of `faults` while any are left: raises an exception, awaits a function."""

    def __init__(self, inner: MediaProcessor) -> None:
        self._inner = inner
        self.faults: list[Exception | Callable[[], Awaitable[None]]] = []
        self.calls = 0

    async def process(
        self,
        source: Path,
        format: MediaFormat,
        into: Path,
        progress: Callable[[str, float], Awaitable[None]],
        trim: Trim | None = None,
    ) -> Derivatives:
        self.calls += 1
        await self._fail()
        return await self._inner.process(source, format, into, progress, trim)

    async def draw_thumbnail(
        self,
        source: Path,
        format: MediaFormat,
        at: float | None,
        into: Path,
        progress: Callable[[str, float], Awaitable[None]],
        trim: Trim | None = None,
    ) -> Path:
        await self._fail()
        return await self._inner.draw_thumbnail(source, format, at, into, progress, trim)

    async def draw_model(
        self,
        source: Path,
        format: ModelFormat,
        into: Path,
        progress: Callable[[str, float], Awaitable[None]],
    ) -> Path:
        await self._fail()
        return await self._inner.draw_model(source, format, into, progress)

    async def _fail(self) -> None:
        fault = self.faults.pop(0) if self.faults else None
        if isinstance(fault, Exception):
            raise fault
        if fault is not None:
            await fault()

    async def remove_metadata(
        self,
        source: Path,
        format: MediaFormat,
        into: Path,
        progress: Callable[[str, float], Awaitable[None]],
    ) -> Path:
        return await self._inner.remove_metadata(source, format, into, progress)

    async def analyse(
        self,
        source: Path,
        format: MediaFormat,
        into: Path,
        progress: Callable[[str, float], Awaitable[None]],
    ) -> tuple[MotionAnalysis | None, Path | None]:
        return await self._inner.analyse(source, format, into, progress)

    async def keep_ready(self) -> None:
        await self._inner.keep_ready()

    async def isolation(self) -> Isolation:
        return await self._inner.isolation()
