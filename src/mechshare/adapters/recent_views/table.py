"""Who has lately opened what, in memory that the processes of a machine may share."""

import fcntl
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from hashlib import blake2b
from pathlib import Path

from mechshare.adapters.shared_memory import MappedFileCheck, mapped_file
from mechshare.domain.statistics import COUNTED_ONCE_IN
from mechshare.ports.recent_views import View

_SLOTS = 2**19
_WORD = 8
_KEY_BYTES = 32
_HEADER_BYTES = _WORD + _KEY_BYTES
_SECONDS = int(COUNTED_ONCE_IN.total_seconds())
_TIME_MASK = 2**32 - 1


class TableOfRecentViews:
    """A table of fixed size: the hash of viewer and subject chooses a slot, which holds the rest of the hash and the
    second of the admission. A later viewer of the same slot replaces it.

    The header has the day and its key. The first call of a day draws another key and clears the table, so that no
    hash can be compared with an address any more.
    """

    def __init__(self, path: Path | None, slots: int = _SLOTS) -> None:
        """Maps the file at `path`, or allocates memory of this process if `path` is None. Raises OSError."""
        self._path = path
        self._slots = slots
        self._lock_file = -1
        self._use()

    async def admit(self, views: Sequence[View], now: datetime) -> Sequence[bool]:
        if self._is_lost():
            self._release()
            self._use()
        self._begin_day(now.date().toordinal())
        return [self._admit(view, now) for view in views]

    async def close(self) -> None:
        self._release()

    def _admit(self, view: View, now: datetime) -> bool:
        digest = self._digest(f"{view.subject}\0{view.viewer}")
        slot, rest = digest % self._slots, digest >> 32
        second = int(now.timestamp()) & _TIME_MASK
        known, admitted_at = self._words[slot] >> 32, self._words[slot] & _TIME_MASK
        if known == rest and 0 <= second - admitted_at < _SECONDS:
            return False
        self._words[slot] = rest << 32 | second
        return True

    def _release(self) -> None:
        if self._lock_file >= 0:
            os.close(self._lock_file)
            self._lock_file = -1

    def _use(self) -> None:
        size = _HEADER_BYTES + self._slots * _WORD
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        self._memory = mapped_file(self._path, size) if self._path else bytearray(size)
        self._lock_file = os.open(self._path, os.O_RDWR) if self._path else -1
        self._check = MappedFileCheck(self._lock_file, size)
        whole = memoryview(self._memory)
        self._day = whole[:_WORD].cast("Q")
        self._key = whole[_WORD:_HEADER_BYTES]
        self._hashes = whole[_HEADER_BYTES:]
        self._words = self._hashes.cast("Q")

    def _is_lost(self) -> bool:
        """Whether the file was deleted, replaced or truncated."""
        return self._lock_file >= 0 and self._check.is_lost()

    def _begin_day(self, day: int) -> None:
        if self._day[0] == day:
            return
        with _locked(self._lock_file):
            if self._day[0] == day:  # another process has begun it meanwhile
                return
            self._key[:] = secrets.token_bytes(_KEY_BYTES)
            self._hashes[:] = bytes(self._slots * _WORD)
            self._day[0] = day  # last: a process that reads it reads the new key

    def _digest(self, text: str) -> int:
        """Never returns a number whose upper half is 0, which marks an empty slot."""
        hashed = blake2b(
            text.encode("utf-8", "surrogatepass"), digest_size=_WORD, key=bytes(self._key)
        ).digest()
        return int.from_bytes(hashed, "little") | 1 << 63


@contextmanager
def _locked(descriptor: int) -> Iterator[None]:
    if descriptor < 0:
        yield
        return
    fcntl.lockf(descriptor, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.lockf(descriptor, fcntl.LOCK_UN)
