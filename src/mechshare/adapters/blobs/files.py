"""Blobs as files of this machine."""

import asyncio
import errno
import os
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

from mechshare.domain.blobs import BlobFacts, is_blob_key
from mechshare.domain.errors import DependencyUnavailable, MediaNotFound, StorageFull

T = TypeVar("T")
_CHUNK = 256 * 1024
_GATHERED = 1024 * 1024
"""Bytes gathered before the disk is asked: a thread's turn costs more than writing a small chunk."""
_INCOMING = ".incoming"
_FORGOTTEN_AFTER = 24 * 3600
_FULL = (errno.ENOSPC, errno.EDQUOT)


class FileBlobStore:
    """Each blob is a file under `root`, written aside, synced and renamed into place, its folder synced as well.

    What a crash left aside is removed a day later, when a store is opened.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._incoming = root / _INCOMING
        self._remove_forgotten()

    async def write(self, key: str, chunks: AsyncIterator[bytes]) -> BlobFacts:
        target = self._path(key)
        aside = self._incoming / secrets.token_hex(16)
        try:
            facts = await self._write_aside(key, aside, chunks)
            with _translated():
                await asyncio.to_thread(self._put_in_place, aside, target)
        except BaseException:
            await asyncio.shield(asyncio.to_thread(aside.unlink, missing_ok=True))
            raise
        return facts

    async def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        path = self._path(key)
        with _translated():
            file = await asyncio.to_thread(_open_for_reading, path)
        try:
            offset = start
            while end is None or offset < end:
                size = _CHUNK if end is None else min(_CHUNK, end - offset)
                with _translated():
                    chunk = await asyncio.to_thread(os.pread, file, size, offset)
                if not chunk:
                    return
                offset += len(chunk)
                yield chunk
        finally:
            os.close(file)

    async def stat(self, key: str) -> int | None:
        path = self._path(key)
        with _translated():
            return await asyncio.to_thread(_size_of, path)

    async def delete(self, key: str) -> None:
        path = self._path(key)
        with _translated():
            await asyncio.to_thread(self._remove, path)

    async def list(self, prefix: str) -> AsyncIterator[str]:
        with _translated():
            keys = await asyncio.to_thread(lambda: sorted(self._keys(prefix)))
        for key in keys:
            yield key

    def _path(self, key: str) -> Path:
        if not is_blob_key(key):
            raise ValueError(f"not a blob key: {key!r}")
        return self._root / key

    async def _write_aside(self, key: str, aside: Path, chunks: AsyncIterator[bytes]) -> BlobFacts:
        digest = sha256()
        size = 0
        gathered = bytearray()
        with _translated():
            file = await asyncio.to_thread(_create, aside)
        try:
            async for chunk in chunks:
                gathered += chunk
                if len(gathered) >= _GATHERED:
                    size += await _appended(file, gathered, digest.update)
                    gathered = bytearray()
            size += await _appended(file, gathered, digest.update)
            with _translated():
                await asyncio.to_thread(os.fsync, file)
        finally:
            os.close(file)
        return BlobFacts(key=key, size=size, sha256=digest.hexdigest())

    def _put_in_place(self, aside: Path, target: Path) -> None:
        """Renames, and syncs every folder that now has a new entry. A folder may be removed under our hands."""
        while True:
            created = [
                folder
                for folder in target.relative_to(self._root).parents
                if not (self._root / folder).exists()
            ]
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                aside.replace(target)
            except (FileNotFoundError, FileExistsError):  # a folder was removed while it was being made
                if not aside.exists():
                    raise
                continue
            break
        _sync_folder(target.parent)
        for folder in created:
            _sync_folder(folder.parent)

    def _remove(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        for folder in path.parents:
            if folder == self._root or not _remove_empty(folder):
                break
        if path.parent.exists():
            _sync_folder(path.parent)

    def _keys(self, prefix: str) -> Iterator[str]:
        folder = self._root / prefix.rpartition("/")[0]
        for parent, _, names in os.walk(folder):
            for name in names:
                key = (Path(parent) / name).relative_to(self._root).as_posix()
                if key.startswith(prefix) and is_blob_key(key):
                    yield key

    def _remove_forgotten(self) -> None:
        before = time.time() - _FORGOTTEN_AFTER
        for path in self._incoming.glob("*"):
            if path.stat().st_mtime < before:
                path.unlink(missing_ok=True)


@contextmanager
def _translated() -> Iterator[None]:
    """What the system refuses, in the core's words."""
    try:
        yield
    except FileNotFoundError as problem:
        raise MediaNotFound() from problem
    except OSError as problem:
        if problem.errno in _FULL:
            raise StorageFull() from problem
        raise DependencyUnavailable(dependency="blob store") from problem


def _create(path: Path) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640)


async def _appended(file: int, content: bytearray, digest: Callable[[bytearray], None]) -> int:
    with _translated():
        return await asyncio.to_thread(_append, file, content, digest)


def _append(file: int, content: bytearray, digest: Callable[[bytearray], None]) -> int:
    digest(content)
    with memoryview(content) as rest:
        written = 0
        while written < len(content):
            written += os.write(file, rest[written:])
    return written


def _open_for_reading(path: Path) -> int:
    return os.open(path, os.O_RDONLY | os.O_NOFOLLOW)


def _size_of(path: Path) -> int | None:
    try:
        return path.stat(follow_symlinks=False).st_size
    except FileNotFoundError:
        return None


def _remove_empty(folder: Path) -> bool:
    try:
        folder.rmdir()
    except FileNotFoundError:
        return True
    except OSError as problem:
        if problem.errno in (errno.ENOTEMPTY, errno.EEXIST):
            return False
        raise
    return True


def _sync_folder(folder: Path) -> None:
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return  # removed since: then nothing of it has to be kept
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
