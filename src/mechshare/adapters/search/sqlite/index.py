"""The search index in a separate SQLite file, shared by all processes of one machine."""

import asyncio
import queue
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from mechshare.adapters.search.sqlite import reads, suggestions, writes
from mechshare.adapters.search.sqlite.schema import (
    connect,
    discard_if_damaged,
    discard_if_newer,
    is_damage,
    require_version,
    was_replaced,
)
from mechshare.adapters.search.text.batches import batches
from mechshare.domain.audiences import PUBLIC_AUDIENCE, Audience
from mechshare.domain.errors import DependencyUnavailable
from mechshare.domain.ids import MechanismId
from mechshare.domain.overload import SearchTimedOut
from mechshare.domain.search import SearchQuery, SearchResult
from mechshare.domain.search_documents import SearchDocument
from mechshare.domain.suggestions import SuggestionKind

READERS = 2
"""Threads. They pass the GIL to each other and to the event loop, so more threads lower the throughput."""
SEARCH_SECONDS = 3.0
"""Time limit of a search, including the wait for a thread."""
BATCH = 200
"""Documents per transaction of a rebuild; other writers can write between two transactions."""

P = ParamSpec("P")
R = TypeVar("R")


class SqliteSearchIndex:
    """FTS5 with one writer thread and READERS reader threads, apart from the event loop.

    Each call runs all of its statements in one hop to a thread, so that a cancelled call never leaves a transaction
    half done. A file that is missing, damaged or of another version is recreated, with a warning in the log if it
    existed; searches find less until a rebuild, and `needs_rebuild` returns True. The first call opens the file.
    """

    def __init__(self, path: Path, *, search_seconds: float = SEARCH_SECONDS) -> None:
        self._writer = _Lane(path, threads=1, name="search-write")
        self._readers = _Lane(path, threads=READERS, name="search-read")
        self._search_seconds = search_seconds

    async def put(self, documents: Sequence[SearchDocument]) -> None:
        await self._writer.run(_prepare_and_put, documents)

    async def remove(self, mechanism_id: MechanismId, version: int) -> None:
        await self._writer.run(writes.remove, mechanism_id, version)

    async def search(self, query: SearchQuery) -> SearchResult:
        return await self._readers.run(reads.search, query, deadline=self._deadline())

    async def suggest(
        self,
        prefix: str,
        limit: int,
        *,
        audience: Audience = PUBLIC_AUDIENCE,
        excluded: Sequence[MechanismId] = (),
        kind: SuggestionKind = SuggestionKind.TITLE,
    ) -> tuple[str, ...]:
        return await self._readers.run(
            suggestions.suggest,
            prefix,
            limit,
            audience=audience,
            excluded=excluded,
            kind=kind,
            deadline=self._deadline(),
        )

    def _deadline(self) -> float:
        return time.monotonic() + self._search_seconds

    async def rebuild(self, documents: AsyncIterator[SearchDocument]) -> int:
        """Replaces documents batch by batch, then deletes those not in `documents`. Keeps changes made meanwhile.

        Recreates an index of a newer release. If `documents` or the index fails, what was not yet replaced stays
        unchanged.
        """
        await self._writer.replace_newer()
        rebuild = await self._writer.run(writes.begin_rebuild)
        count = 0
        async for batch in batches(documents, BATCH):
            await self._writer.run(_prepare_and_put, batch, unless_newer_since=rebuild.began)
            count += len(batch)
        await self._writer.run(writes.end_rebuild, rebuild)
        return count

    async def needs_rebuild(self) -> bool:
        """Whether no rebuild has ended since the file was created or recreated. Raises Unavailable."""
        return not await self._readers.run(reads.is_complete)

    async def close(self) -> None:
        """Waits for running calls. The index cannot be used afterwards."""
        await asyncio.to_thread(self._writer.close)
        await asyncio.to_thread(self._readers.close)


def _prepare_and_put(
    connection: sqlite3.Connection, documents: Sequence[SearchDocument], *, unless_newer_since: int = -1
) -> None:
    prepared = [writes.prepare(document) for document in documents]
    writes.put(connection, prepared, unless_newer_since=unless_newer_since)


class _Lane:
    """Threads with at most one connection each, opened on first use and reopened after the file was replaced."""

    def __init__(self, path: Path, *, threads: int, name: str) -> None:
        self._path = path
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._idle: queue.SimpleQueue[tuple[sqlite3.Connection, int]] = queue.SimpleQueue()

    async def run(
        self, work: Callable[Concatenate[sqlite3.Connection, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Runs `work` with a connection in a thread. Raises Unavailable."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, partial(self._translated, work, *args, **kwargs))

    async def replace_newer(self) -> None:
        """Recreates the file if a newer release wrote it. Raises Unavailable."""
        try:
            await asyncio.get_running_loop().run_in_executor(self._executor, discard_if_newer, self._path)
        except (sqlite3.Error, OSError) as error:
            raise DependencyUnavailable(dependency="search index") from error

    def close(self) -> None:
        self._executor.shutdown()
        while not self._idle.empty():
            self._idle.get()[0].close()

    def _translated(
        self, work: Callable[Concatenate[sqlite3.Connection, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        try:
            connection, inode = self._connection()
            try:
                require_version(connection)
                result = work(connection, *args, **kwargs)
            except BaseException:
                connection.close()
                raise
            self._idle.put((connection, inode))
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_INTERRUPT:
                raise SearchTimedOut() from error
            if is_damage(error):
                self._discard()
            raise DependencyUnavailable(dependency="search index") from error
        except OSError as error:
            raise DependencyUnavailable(dependency="search index") from error
        return result

    def _connection(self) -> tuple[sqlite3.Connection, int]:
        while not self._idle.empty():
            connection, inode = self._idle.get()
            if not was_replaced(self._path, inode):
                return connection, inode
            connection.close()
        connection = connect(self._path)
        return connection, self._path.stat().st_ino

    def _discard(self) -> None:
        """Replaces a damaged file by an empty one, which the next call uses. Raises Unavailable."""
        try:
            discard_if_damaged(self._path)
        except (sqlite3.Error, OSError) as error:
            raise DependencyUnavailable(dependency="search index") from error
