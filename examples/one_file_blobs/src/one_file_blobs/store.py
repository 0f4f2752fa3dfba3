"""Blobs in one SQLite file."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import uuid4

from mechshare.domain.blobs import BlobFacts, is_blob_key
from mechshare.domain.errors import DependencyUnavailable, MediaNotFound, StorageFull
from mechshare.settings import Settings

_PIECE = 256 * 1024
_SCHEMA = """
CREATE TABLE IF NOT EXISTS pieces (draft TEXT, start INTEGER, bytes BLOB, PRIMARY KEY (draft, start)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS blobs (
    key TEXT PRIMARY KEY, draft TEXT NOT NULL, size INTEGER NOT NULL, written_at REAL NOT NULL
) WITHOUT ROWID;
"""


def from_url(url: str, settings: Settings, *, busy_seconds: str = "5") -> "OneFileBlobStore":
    """Opens the store at `onefile:///absolute/path.db`. MECHSHARE_BLOBS_BUSY_SECONDS sets `busy_seconds`: how long to
    wait for a process that is writing."""
    return OneFileBlobStore(Path(unquote(urlsplit(url).path)), float(busy_seconds))


class OneFileBlobStore:
    """Stores blobs as pieces of a draft; the last step assigns the key to the draft, in one transaction."""

    def __init__(self, path: Path, busy_seconds: float = 5.0) -> None:
        self._path = path
        self._busy_seconds = busy_seconds
        self._turn = asyncio.Lock()

    async def write(self, key: str, chunks: AsyncIterator[bytes]) -> BlobFacts:
        _check(key)
        draft, digest, size = uuid4().hex, sha256(), 0
        try:
            async for piece in _pieces(chunks):
                await self._run("INSERT INTO pieces VALUES (?, ?, ?)", (draft, size, piece))
                digest.update(piece)
                size += len(piece)
            await self._in_thread(lambda connection: _publish(connection, key, draft, size))
        except BaseException:
            await asyncio.shield(self._run("DELETE FROM pieces WHERE draft = ?", (draft,)))
            raise
        return BlobFacts(key=key, size=size, sha256=digest.hexdigest())

    async def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        _check(key)
        found = await self._run("SELECT draft, size FROM blobs WHERE key = ?", (key,))
        if not found:
            raise MediaNotFound()
        draft, size = found[0]
        end = size if end is None else min(end, size)
        at = start
        while at < end:
            first = at // _PIECE * _PIECE
            piece = await self._run("SELECT bytes FROM pieces WHERE draft = ? AND start = ?", (draft, first))
            if not piece:
                raise MediaNotFound()  # deleted or replaced while it was read
            wanted = piece[0][0][at - first : end - first]
            yield wanted
            at += len(wanted)

    async def stat(self, key: str) -> int | None:
        _check(key)
        found = await self._run("SELECT size FROM blobs WHERE key = ?", (key,))
        return found[0][0] if found else None

    async def written_at(self, key: str) -> datetime | None:
        _check(key)
        found = await self._run("SELECT written_at FROM blobs WHERE key = ?", (key,))
        return datetime.fromtimestamp(found[0][0], UTC) if found else None

    async def delete(self, key: str) -> None:
        _check(key)
        await self._in_thread(lambda connection: _remove(connection, key))

    async def list(self, prefix: str) -> AsyncIterator[str]:
        for (key,) in await self._run("SELECT key FROM blobs ORDER BY key", ()):
            if key.startswith(prefix):
                yield key

    async def link(self, key: str, lifetime: timedelta, content_type: str, disposition: str) -> str | None:
        return None

    async def prepare(self) -> None:
        await self._run("SELECT 1", ())

    async def close(self) -> None:
        """Does nothing: no resource is open between two calls."""

    async def _run(self, statement: str, values: Sequence[Any]) -> Sequence[Any]:
        return await self._in_thread(lambda connection: connection.execute(statement, values).fetchall())

    async def _in_thread(self, work: Callable[[sqlite3.Connection], Any]) -> Any:
        async with self._turn:
            return await asyncio.to_thread(self._work, work)

    def _work(self, work: Callable[[sqlite3.Connection], Any]) -> Any:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self._path, timeout=self._busy_seconds)) as connection, connection:
                connection.executescript(_SCHEMA)
                return work(connection)
        except (sqlite3.Error, OSError) as problem:
            if "full" in str(problem):
                raise StorageFull() from problem
            raise DependencyUnavailable(dependency="blob store") from problem


def _publish(connection: sqlite3.Connection, key: str, draft: str, size: int) -> None:
    _remove(connection, key)
    now = datetime.now(UTC).timestamp()
    connection.execute("INSERT INTO blobs VALUES (?, ?, ?, ?)", (key, draft, size, now))


def _remove(connection: sqlite3.Connection, key: str) -> None:
    connection.execute("DELETE FROM pieces WHERE draft = (SELECT draft FROM blobs WHERE key = ?)", (key,))
    connection.execute("DELETE FROM blobs WHERE key = ?", (key,))


async def _pieces(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    held = bytearray()
    async for chunk in chunks:
        held += chunk
        while len(held) >= _PIECE:
            yield bytes(held[:_PIECE])
            del held[:_PIECE]
    if held:
        yield bytes(held)


def _check(key: str) -> None:
    if not is_blob_key(key):
        raise ValueError(f"not a blob key: {key!r}")
