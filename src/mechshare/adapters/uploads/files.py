"""Uploads under way as files of this machine."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from hashlib import file_digest
from pathlib import Path

from mechshare.adapters.file_access import file_names, in_thread
from mechshare.adapters.safe_paths import NOT_FOUND_ERRNOS, opened, prune
from mechshare.adapters.store_marker import require_store
from mechshare.domain.blobs import BlobFacts
from mechshare.domain.ids import UploadId
from mechshare.domain.uploads import UploadNotFound, UploadTakenOver, part_folder

_FLAGS = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC


class FileUploadStore:
    """Stores each upload as one file below the root of a FileBlobStore; `finish` moves it to the place of the blob.

    The file's name is the fence of its writer. A writer with a higher fence renames the file, after which one with a
    lower fence finds it no longer. A lock (flock) separates the two while both have it open; the system releases it
    when a process dies.
    """

    def __init__(self, root: Path, *, needs_marker: bool = False) -> None:
        """With `needs_marker`, a folder that no FileBlobStore prepared is unavailable: it may be an empty mount
        point."""
        self._root = root
        self._needs_marker = needs_marker

    async def create(self, upload_id: UploadId) -> None:
        await in_thread(self._create, _folders(upload_id))

    async def append(self, upload_id: UploadId, fence: int, offset: int, content: bytes) -> None:
        await in_thread(self._append, _folders(upload_id), fence, offset, content)

    async def stat(self, upload_id: UploadId) -> int | None:
        return await in_thread(self._size, _folders(upload_id))

    async def finish(self, upload_id: UploadId, size: int, key: str) -> BlobFacts:
        digest = await in_thread(self._finish, _folders(upload_id), size, file_names(key))
        return BlobFacts(key=key, size=size, sha256=digest)

    async def abort(self, upload_id: UploadId) -> None:
        await in_thread(self._remove, _folders(upload_id))

    def _create(self, folders: tuple[str, ...]) -> None:
        if self._needs_marker:
            require_store(self._root)
        with opened(self._root, folders, make=True) as descriptors:
            if not _fences(descriptors[-1]):
                os.close(os.open(_name(0), _FLAGS | os.O_CREAT, 0o600, dir_fd=descriptors[-1]))
            for descriptor in reversed(descriptors):
                os.fsync(descriptor)

    def _append(self, folders: tuple[str, ...], fence: int, offset: int, content: bytes) -> None:
        with self._folder(folders) as folder:
            file = _locked(folder, _taken_over(folder, fence))
            try:
                if os.fstat(file).st_size < offset:
                    raise UploadNotFound()
                os.ftruncate(file, offset)
                _write(file, offset, content)
                os.fsync(file)
            finally:
                os.close(file)

    def _size(self, folders: tuple[str, ...]) -> int | None:
        with suppress(UploadNotFound), self._folder(folders) as folder:
            return os.stat(_newest(folder), dir_fd=folder, follow_symlinks=False).st_size
        return None

    def _finish(self, folders: tuple[str, ...], size: int, target: tuple[str, ...]) -> str:
        try:
            with self._folder(folders) as folder:
                self._move(folder, size, target)
        except UploadNotFound:
            return self._digest_of(target, size)  # an earlier call may have moved it
        prune(self._root, folders)
        return self._digest_of(target, size)

    def _move(self, folder: int, size: int, target: tuple[str, ...]) -> None:
        name = _newest(folder)
        file = _locked(folder, name)
        try:
            if os.fstat(file).st_size < size:
                raise UploadNotFound()
            os.ftruncate(file, size)
            os.fsync(file)
            with opened(self._root, target[:-1], make=True) as descriptors:
                os.rename(name, target[-1], src_dir_fd=folder, dst_dir_fd=descriptors[-1])
                for descriptor in reversed(descriptors):
                    os.fsync(descriptor)
        finally:
            os.close(file)

    def _digest_of(self, names: tuple[str, ...], size: int) -> str:
        """Raises UploadNotFound if there is no such file of `size` bytes."""
        with self._folder(names[:-1]) as folder:
            try:
                file = os.open(names[-1], os.O_RDONLY | os.O_NOFOLLOW, dir_fd=folder)
            except FileNotFoundError as problem:
                raise UploadNotFound() from problem
            with os.fdopen(file, "rb") as content:
                if os.fstat(file).st_size != size:
                    raise UploadNotFound()
                return file_digest(content, "sha256").hexdigest()

    def _remove(self, folders: tuple[str, ...]) -> None:
        with suppress(UploadNotFound):
            with self._folder(folders) as folder:
                for fence in _fences(folder):
                    os.unlink(_name(fence), dir_fd=folder)
                os.fsync(folder)
            prune(self._root, folders)

    @contextmanager
    def _folder(self, folders: tuple[str, ...]) -> Iterator[int]:
        """Opens a folder below the root. Raises UploadNotFound if there is none."""
        with ExitStack() as stack:
            try:
                descriptors = stack.enter_context(opened(self._root, folders))
            except OSError as problem:
                if problem.errno in NOT_FOUND_ERRNOS and self._root.is_dir():
                    raise UploadNotFound() from problem
                raise
            yield descriptors[-1]


def _folders(upload_id: UploadId) -> tuple[str, ...]:
    return file_names(f"{part_folder(upload_id)}/x")[:-1]


def _name(fence: int) -> str:
    return f"{fence:010}"


def _fences(folder: int) -> list[int]:
    with os.scandir(folder) as entries:
        return sorted(int(entry.name) for entry in entries if entry.name.isdigit())


def _newest(folder: int) -> str:
    """Returns the name of the file. Raises UploadNotFound."""
    fences = _fences(folder)
    if not fences:
        raise UploadNotFound()
    return _name(fences[-1])


def _taken_over(folder: int, fence: int) -> str:
    """Gives the file the name of the writer with `fence`, and returns the name. Raises UploadTakenOver,
    UploadNotFound."""
    name = _name(fence)
    while (found := _newest(folder)) < name:
        # An earlier writer may rename it in between: only one with a higher fence takes it over.
        with suppress(FileNotFoundError):
            os.rename(found, name, src_dir_fd=folder, dst_dir_fd=folder)
            os.fsync(folder)
    if found > name:
        raise UploadTakenOver()
    return name


def _locked(folder: int, name: str) -> int:
    """Opens the file and locks it. Raises UploadTakenOver if it has another name by then."""
    try:
        file = os.open(name, _FLAGS, dir_fd=folder)
    except FileNotFoundError as problem:
        raise UploadTakenOver() from problem
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        there = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if not os.path.samestat(there, os.fstat(file)):
            raise UploadTakenOver()
    except BaseException as problem:
        os.close(file)
        if isinstance(problem, FileNotFoundError):
            raise UploadTakenOver() from problem
        raise
    return file


def _write(file: int, offset: int, content: bytes) -> None:
    with memoryview(content) as rest:
        written = 0
        while written < len(content):
            written += os.pwrite(file, rest[written:], offset + written)
