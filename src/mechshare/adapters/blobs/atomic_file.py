"""Writes a blob to a temporary file and publishes it whole."""

import fcntl
import os
import secrets
from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from mechshare.adapters.leftovers import PREFIX
from mechshare.adapters.safe_paths import make_durably_in, opened, prune
from mechshare.adapters.store_marker import INCOMING


class AtomicFile:
    """A file that appears under its name only when it is complete. Every method blocks and may raise OSError.

    Use it from one thread at a time; call `discard` after any error. `names` are the folders below `root` and the
    final name of the file.
    """

    def __init__(self, root: Path, names: Sequence[str]) -> None:
        self.size = 0
        self._root = root
        self._folders, self._name = names[:-1], names[-1]
        self._aside = root / INCOMING / (PREFIX + secrets.token_hex(16))
        self._file: int | None = None
        self._digest = sha256()
        self._is_new = False

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    @property
    def has_begun(self) -> bool:
        return self._file is not None

    def begin(self) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        try:
            self._file = os.open(self._aside, flags, 0o600)
        except FileNotFoundError:
            make_durably_in(self._root, INCOMING)
            self._file = os.open(self._aside, flags, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def append(self, content: bytearray) -> None:
        self._digest.update(content)
        self.size += len(content)
        with memoryview(content) as rest:
            written = 0
            while written < len(content):
                written += os.write(self._descriptor, rest[written:])

    def publish(self) -> None:
        """Puts the file in place. When it returns, the file is durable and visible to all."""
        os.fsync(self._descriptor)
        while not self._is_put_in_place():
            continue

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def discard(self) -> None:
        """Removes all traces of the write. If it had already replaced another file, the new file stays, because the
        old one cannot be restored."""
        try:
            if self._is_new:
                self._withdraw()
            self._aside.unlink(missing_ok=True)
            prune(self._root, self._folders)
        finally:
            self.close()

    @property
    def _descriptor(self) -> int:
        if self._file is None:
            raise ValueError("this file is not open")
        return self._file

    def _is_put_in_place(self) -> bool:
        """Renames the file into place; returns False, to be retried, if another process removed an empty folder."""
        try:
            with opened(self._root, self._folders, make=True) as descriptors:
                self._is_new = not os.access(
                    self._name, os.F_OK, dir_fd=descriptors[-1], follow_symlinks=False
                )
                os.rename(self._aside, self._name, dst_dir_fd=descriptors[-1])
                # Sync existing folders too: the process that created them may not have synced them yet.
                for descriptor in reversed(descriptors):
                    os.fsync(descriptor)
        except FileNotFoundError:
            if not self._aside.exists():
                raise
            return False
        return True

    def _withdraw(self) -> None:
        with suppress(FileNotFoundError), opened(self._root, self._folders) as descriptors:
            there = os.stat(self._name, dir_fd=descriptors[-1], follow_symlinks=False)
            if os.path.samestat(there, os.fstat(self._descriptor)):
                os.unlink(self._name, dir_fd=descriptors[-1])
