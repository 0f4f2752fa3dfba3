"""Blobs as files of this machine."""

import os
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from errno import ENOENT
from itertools import islice
from pathlib import Path

import structlog

from mechshare.adapters.blobs.atomic_file import AtomicFile
from mechshare.adapters.blobs.fd_cache import FdCache, OpenFile
from mechshare.adapters.file_access import FOLDER_SUFFIX, file_names, in_thread
from mechshare.adapters.leftovers import remove_leftovers
from mechshare.adapters.safe_paths import NOT_FOUND_ERRNOS, make_durably, opened, prune
from mechshare.adapters.store_marker import INCOMING, mark, require_store
from mechshare.domain.blobs import BlobFacts, BlobFile, is_blob_key
from mechshare.domain.errors import DependencyUnavailable, MediaNotFound, StorageFull

_log = structlog.get_logger("mechshare.blobs")
_CHUNK = 256 * 1024
_WRITE_BYTES = 1024 * 1024
"""Bytes collected before each write to the disk: dispatching to a thread costs more than writing a small chunk."""
_LISTED = 500


class FileBlobStore:
    """Stores each blob as a file below `root`: `media/x/1.mp4` is `media_/x_/1.mp4`.

    It writes a temporary file, syncs it, renames it into place and syncs its folders. It follows no links below `root`.
    The first write removes the temporary files of killed processes. Only `prepare` creates `root`: a folder that is
    missing later was deleted or is not mounted, and then the store is unavailable. With `needs_marker`, so is a folder
    that `prepare` never saw and that has no blobs: it may be an empty mount point, and writes would end up on the disk
    below it.
    """

    def __init__(self, root: Path, *, needs_marker: bool = False) -> None:
        self._root = root
        self._needs_marker = needs_marker
        self._is_cleaned = False
        self._open_files = FdCache()

    async def write(self, key: str, chunks: AsyncIterator[bytes]) -> BlobFacts:
        incoming = AtomicFile(self._root, file_names(key))
        buffer = bytearray()
        try:
            async for chunk in chunks:
                buffer += chunk
                if len(buffer) >= _WRITE_BYTES:
                    await in_thread(self._append, incoming, buffer)
                    buffer = bytearray()
            await in_thread(self._publish, incoming, buffer)
        except BaseException:
            await _discard(incoming)
            raise
        incoming.close()
        return BlobFacts(key=key, size=incoming.size, sha256=incoming.sha256)

    async def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        names = file_names(key)
        file = self._open_files.find(key)
        offset = start

        def size() -> int:
            return _CHUNK if end is None else max(0, min(_CHUNK, end - offset))

        def next_piece() -> bytes:
            return file.read(size(), offset) if file else b""

        def first_piece() -> bytes:
            # `file` is shared by closure, not passed or returned: futures and tracebacks would keep it open.
            nonlocal file
            file = self._open(names)
            return next_piece()

        try:
            chunk = file.read_nowait(size(), offset) if file else None
            if chunk is None:
                chunk = await in_thread(first_piece)
                if file is None:
                    raise MediaNotFound()
                self._open_files.add(key, file)
            while chunk:
                offset += len(chunk)
                yield chunk
                chunk = await in_thread(next_piece) if size() else b""
        finally:
            file = None

    async def stat(self, key: str) -> int | None:
        status = await in_thread(self._status, file_names(key))
        return None if status is None else status.st_size

    async def written_at(self, key: str) -> datetime | None:
        status = await in_thread(self._status, file_names(key))
        return None if status is None else datetime.fromtimestamp(status.st_mtime, UTC)

    async def delete(self, key: str) -> None:
        self._open_files.evict(key)
        await in_thread(self._remove, file_names(key))

    async def list(self, prefix: str) -> AsyncIterator[str]:
        folder = prefix.rpartition("/")[0]
        if folder and not is_blob_key(folder):
            return
        await in_thread(self._require_root)
        keys = self._keys(f"{folder}/" if folder else "", prefix)
        while batch := await in_thread(lambda: list(islice(keys, _LISTED))):
            for key in batch:
                yield key

    async def link(self, key: str, lifetime: timedelta, content_type: str, disposition: str) -> str | None:
        return None

    def file(self, key: str) -> BlobFile:
        return BlobFile(str(self._root), "/".join(file_names(key)))

    async def prepare(self) -> None:
        await in_thread(self._make_root)

    async def close(self) -> None:
        self._open_files.clear()

    def _append(self, incoming: AtomicFile, content: bytearray) -> None:
        """Writes the next bytes of a file, which the first ones begin."""
        if not incoming.has_begun:
            self._require_root()
            self._remove_leftovers()
            incoming.begin()
        incoming.append(content)

    def _publish(self, incoming: AtomicFile, last: bytearray) -> None:
        """Writes the last bytes of a file, and puts it in place."""
        self._append(incoming, last)
        incoming.publish()

    def _remove_leftovers(self) -> None:
        if not self._is_cleaned:
            remove_leftovers(self._root / INCOMING)
            self._is_cleaned = True

    def _make_root(self) -> None:
        if not self._root.is_dir():
            make_durably(self._root)
        if self._needs_marker:
            mark(self._root)

    def _require_root(self) -> None:
        """Raises OSError if it is the whole store that is missing, not just a blob."""
        if not self._root.is_dir():
            raise FileNotFoundError(ENOENT, os.strerror(ENOENT), str(self._root))
        if self._needs_marker:
            require_store(self._root)

    def _open(self, names: tuple[str, ...]) -> OpenFile | None:
        try:
            with opened(self._root, names[:-1]) as folders:
                return OpenFile(os.open(names[-1], os.O_RDONLY | os.O_NOFOLLOW, dir_fd=folders[-1]))
        except OSError as problem:
            if problem.errno not in NOT_FOUND_ERRNOS:
                raise
            self._require_root()
            return None

    def _status(self, names: tuple[str, ...]) -> os.stat_result | None:
        try:
            with opened(self._root, names[:-1]) as folders:
                status = os.stat(names[-1], dir_fd=folders[-1], follow_symlinks=False)
        except OSError as problem:
            if problem.errno not in NOT_FOUND_ERRNOS:
                raise
            self._require_root()
            return None
        return status if stat.S_ISREG(status.st_mode) else None

    def _remove(self, names: tuple[str, ...]) -> None:
        with suppress(FileNotFoundError, NotADirectoryError), opened(self._root, names[:-1]) as folders:
            os.unlink(names[-1], dir_fd=folders[-1])
            os.fsync(folders[-1])
        self._require_root()
        prune(self._root, names[:-1])

    def _keys(self, base: str, prefix: str) -> Iterator[str]:
        """Returns the keys in and below the folder `base` that begin with `prefix`, in order, folder by folder."""
        folders = tuple(part + FOLDER_SUFFIX for part in base.split("/")[:-1])
        try:
            with opened(self._root, folders) as descriptors, os.scandir(descriptors[-1]) as entries:
                keys = sorted(base + part for entry in entries if (part := _part_of_key(entry)))
        except OSError as problem:
            if problem.errno not in NOT_FOUND_ERRNOS:
                raise
            self._require_root()
            return
        for key in keys:
            if key.startswith(prefix) and key.endswith("/"):
                yield from self._keys(key, prefix)
            elif key.startswith(prefix) and is_blob_key(key):
                yield key


async def _discard(incoming: AtomicFile) -> None:
    """Discards the file. Logs an error instead of raising it, so that the caller sees the original error."""
    try:
        await in_thread(incoming.discard)
    except (DependencyUnavailable, StorageFull) as problem:
        _log.warning("unfinished_blob_not_removed", problem=str(problem.__cause__))


def _part_of_key(entry: "os.DirEntry[str]") -> str:
    """Returns what a folder (with its `/`) or a file adds to the keys of its blobs; empty if it contains no blobs."""
    if entry.is_dir(follow_symlinks=False):
        return entry.name.removesuffix(FOLDER_SUFFIX) + "/" if entry.name.endswith(FOLDER_SUFFIX) else ""
    return entry.name if entry.is_file(follow_symlinks=False) else ""
