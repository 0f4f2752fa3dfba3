"""A backup in a folder of this machine."""

import asyncio
import errno
import fcntl
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from hashlib import file_digest, sha256
from pathlib import Path
from typing import TypeVar

import msgspec

from mechshare.domain.backups import BackupRefused, Manifest
from mechshare.domain.blobs import BlobFacts
from mechshare.domain.errors import StorageFull

T = TypeVar("T")
_FORMAT = 1
_MANIFEST = "manifest.json"
_NEW_MANIFEST = ".manifest.json.new"
_LOCK = ".lock"
_DRAFT = ".draft.db"
_ROWS = "mechshare-{}.db"
_DIGITS = 16
_OWN_FILES = (_LOCK, _NEW_MANIFEST)
"""The files that a backup folder may contain before its first manifest."""
_FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True, slots=True, kw_only=True)
class _ManifestFile:
    """The manifest file. `sha256` is the digest of the encoded `backup`; empty until a backup is complete."""

    format: int
    sha256: str = ""
    backup: Manifest | None = None


class FolderBackup:
    """Stores a backup in a folder. `manifest.json`, renamed into place, names the file of rows,
    `mechshare-DIGEST.db`; files that it does not name are not part of the backup.

    All files are accessible to their owner only: the rows contain addresses and password hashes.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    @asynccontextmanager
    async def lock(self, *, is_writing: bool) -> AsyncIterator[None]:
        descriptor = await self._in_thread(self._lock, is_writing)
        try:
            yield
        finally:
            if descriptor is not None:
                os.close(descriptor)

    async def begin(self) -> Manifest | None:
        return await self._in_thread(self._begin)

    async def draft(self) -> Path:
        await self._in_thread(self._remove_drafts)
        return self._root / _DRAFT

    async def rows(self) -> BlobFacts:
        return await self._in_thread(self._store_rows)

    async def finish(self, manifest: Manifest) -> None:
        await self._in_thread(self._finish, manifest)

    async def read(self) -> Manifest:
        manifest = await self._in_thread(self._read)
        if manifest is None:
            raise BackupRefused(
                f"The backup in {self._root} is incomplete: run 'mechshare backup {self._root}' again."
            )
        return manifest

    async def find_rows(self, manifest: Manifest) -> tuple[Path, BlobFacts | None]:
        path = self._root / manifest.rows.key
        return path, await self._in_thread(_facts_of, path)

    def _lock(self, is_writing: bool) -> int | None:
        """Returns a descriptor that holds the lock; None when reading a backup without a lock file, such as a copy."""
        path = self._root / _LOCK
        if is_writing:
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._refuse_unknown_files()
        elif not path.exists():
            return None
        flags = os.O_RDWR | os.O_CREAT if is_writing else os.O_RDONLY
        descriptor = os.open(path, flags, 0o600)
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_EX if is_writing else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError as problem:
            os.close(descriptor)
            raise BackupRefused(
                f"Another backup or restore uses {self._root}: wait until it ends."
            ) from problem
        except OSError:
            os.close(descriptor)
            raise
        return descriptor

    def _refuse_unknown_files(self) -> None:
        if (self._root / _MANIFEST).exists():
            return
        if unknown := sorted({entry.name for entry in self._root.iterdir()} - set(_OWN_FILES)):
            raise BackupRefused(
                f"{self._root} is neither empty nor a backup: it contains '{unknown[0]}'. Choose an empty folder."
            )

    def _begin(self) -> Manifest | None:
        if (self._root / _MANIFEST).exists():
            return self._read()
        self._write(_ManifestFile(format=_FORMAT))
        return None

    def _read(self) -> Manifest | None:
        try:
            manifest_file = msgspec.json.decode((self._root / _MANIFEST).read_bytes(), type=_ManifestFile)
        except FileNotFoundError as problem:
            raise BackupRefused(f"{self._root} contains no backup: {_MANIFEST} is missing.") from problem
        except msgspec.DecodeError as problem:
            raise self._damaged(str(problem)) from problem
        if manifest_file.format != _FORMAT:
            raise BackupRefused(
                f"The backup in {self._root} has the format {manifest_file.format}; this program reads {_FORMAT}: "
                "use a newer mechshare."
            )
        if manifest_file.backup is not None and manifest_file.sha256 != _digest_of(manifest_file.backup):
            raise self._damaged("its content does not match its SHA-256")
        return manifest_file.backup

    def _damaged(self, reason: str) -> BackupRefused:
        return BackupRefused(
            f"{self._root / _MANIFEST} is damaged: {reason}. "
            "Use another copy of this backup, or make a new one elsewhere."
        )

    def _store_rows(self) -> BlobFacts:
        draft = self._root / _DRAFT
        facts = _facts_of(draft)
        if facts is None:
            raise ValueError("no rows were written")
        name = _ROWS.format(facts.sha256[:_DIGITS])
        draft.chmod(0o600)
        _sync(draft)
        draft.rename(self._root / name)
        _sync(self._root)
        return BlobFacts(key=name, size=facts.size, sha256=facts.sha256)

    def _finish(self, manifest: Manifest) -> None:
        self._write(_ManifestFile(format=_FORMAT, sha256=_digest_of(manifest), backup=manifest))
        self._remove_drafts()
        for path in self._root.glob(_ROWS.format("?" * _DIGITS)):
            if path.name != manifest.rows.key:
                path.unlink()

    def _write(self, manifest_file: _ManifestFile) -> None:
        new = self._root / _NEW_MANIFEST
        new.unlink(missing_ok=True)
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(manifest_file)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        new.rename(self._root / _MANIFEST)
        _sync(self._root)

    def _remove_drafts(self) -> None:
        for path in self._root.glob(f"{_DRAFT}*"):
            path.unlink()

    async def _in_thread(self, work: Callable[..., T], *arguments: object) -> T:
        """Runs `work` in a thread and translates its OSErrors into StorageFull and BackupRefused."""
        return await asyncio.to_thread(self._run, work, *arguments)

    def _run(self, work: Callable[..., T], *arguments: object) -> T:
        with _translated(self._root):
            return work(*arguments)


@contextmanager
def _translated(root: Path) -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        if problem.errno in _FULL:
            raise StorageFull() from problem
        where = problem.filename or root
        raise BackupRefused(f"{where} can't be used: {problem.strerror}.") from problem


def _digest_of(manifest: Manifest) -> str:
    return sha256(msgspec.json.encode(manifest)).hexdigest()


def _facts_of(path: Path) -> BlobFacts | None:
    if not path.is_file():
        return None
    with path.open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()
        return BlobFacts(key=path.name, size=file.tell(), sha256=digest)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
