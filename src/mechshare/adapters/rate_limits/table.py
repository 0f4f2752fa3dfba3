"""The counters of rate limits in memory that the processes of a machine may share."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from struct import Struct

import structlog

from mechshare.adapters.shared_memory import MappedFileCheck, mapped_file
from mechshare.domain.rate_limits import Quota

_log = structlog.get_logger("mechshare.rate_limits")
LANES = 8
"""The number of processes that can count without ever writing to the same word."""
_BUCKET_SIZE = 8
"""Entries of a bucket; the hash of a caller's name chooses its bucket."""
_WORD = 8
_COUNT_BITS = 20
MAX_COUNT = 2**_COUNT_BITS - 1
_WINDOW_SHIFT = 2 * _COUNT_BITS
_WINDOW_MASK = 2 ** (64 - _WINDOW_SHIFT) - 1
_LOCK_ATTEMPTS, _LOCK_PAUSE = 200, 0.0005
"""Attempts and seconds between them. A busy machine may interrupt the process that holds the lock for milliseconds;
without the lock, two processes could claim two entries for one caller and never add up their counts."""
_MAX_KNOWN = 8_192
"""The maximum number of callers whose entries a process remembers."""
_MAX_SECONDS_AHEAD = 2 * 24 * 3600
"""Seconds: an entry that ends later dates from before a reboot, which reset the clock."""


class CounterTable:
    """A hash table of fixed size. In a full bucket, a new caller replaces the entry that ends first.

    An entry has a lane for each process: a word that only this process writes, in one store, with the number of the
    window, the uses in it and those in the previous window. Only claiming an entry takes a lock. The wait for it is
    short and bounded, because a suspended process may hold it. Processes that count at the same instant may each
    allow the last use of a quota.

    If the file is deleted, replaced or truncated, counting begins again in the file at the path. While there can be
    none, this process counts in its own memory.
    """

    def __init__(self, path: Path | None, entries: int) -> None:
        """Maps the file at `path`, or allocates memory of this process if `path` is None. Raises OSError."""
        self._path = path
        self._buckets = max(1, entries // _BUCKET_SIZE)
        self._lock_file = -1
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._use(path)

    def find(self, quota: Quota, key: str, window: int) -> tuple[int, int, int]:
        """Returns the entry of `key`, its uses in the window before `window`, and those in `window`.

        `window` is the number of windows since the clock began. A new entry replaces an old one.
        """
        if self._is_lost():
            self._begin_again()
        caller = (quota.name, key)
        known = self._known.get(caller)
        if known is None or self._keys[known[0]] != known[1]:  # another caller may have replaced it
            known = self._remember(caller, quota, window)
        entry = known[0]
        this, last = window & _WINDOW_MASK, window - 1 & _WINDOW_MASK
        previous = current = 0
        for word in self._read_lanes(self._memory, self._counts_at + entry * self._lanes * _WORD):
            if word:
                number = word >> _WINDOW_SHIFT
                if number == this:
                    current += word & MAX_COUNT
                    previous += word >> _COUNT_BITS & MAX_COUNT
                elif number == last:
                    previous += word & MAX_COUNT
        return entry, previous, current

    def add(self, entry: int, quota: Quota, window: int) -> None:
        """Counts one more use in `window` in an entry that `find` returned."""
        start = entry * self._lanes + self._lane
        word = self._counts[start]
        age = window - (word >> _WINDOW_SHIFT) & _WINDOW_MASK
        if age == 0:
            self._counts[start] = word + 1 if word & MAX_COUNT < MAX_COUNT else word
            return
        previous = word & MAX_COUNT if age == 1 else 0
        self._counts[start] = (window & _WINDOW_MASK) << _WINDOW_SHIFT | previous << _COUNT_BITS | 1
        self._end_times[entry] = (window + 2) * quota.seconds

    def close(self) -> None:
        """Releases the lane for other processes."""
        if self._lock_file >= 0:
            os.close(self._lock_file)
            self._lock_file = -1

    def _use(self, path: Path | None) -> None:
        """Begins to count in the file at `path`, or in memory of this process. Raises OSError."""
        lanes, entries = LANES if path else 1, self._buckets * _BUCKET_SIZE
        size = entries * (2 + lanes) * _WORD
        memory = mapped_file(path, size) if path else bytearray(size)
        self._lock_file = os.open(path, os.O_RDWR) if path else -1
        self._check = MappedFileCheck(self._lock_file, size)
        self._memory, self._lanes = memory, lanes
        self._lane = _free_lane(self._lock_file) if path else 0
        words = memoryview(self._memory).cast("Q")
        self._keys, self._end_times = words[:entries], words[entries : 2 * entries]
        self._counts = words[2 * entries :]
        self._counts_at = 2 * entries * _WORD
        # In native mode, which copies each word in one step: another process may be writing it.
        self._read_lanes = Struct(f"{lanes}Q").unpack_from
        self._known: dict[tuple[str, str], tuple[int, int]] = {}

    def _is_lost(self) -> bool:
        """Whether the file was deleted, replaced or truncated."""
        if self._lock_file < 0:
            return self._path is not None
        return self._check.is_lost()

    def _begin_again(self) -> None:
        self.close()
        try:
            self._use(self._path)
        except OSError as problem:
            if self._lanes == 1:  # already counting in its own memory
                return
            _log.warning("rate_limits_unavailable", path=str(self._path), problem=str(problem))
            self._use(None)

    def _remember(self, caller: tuple[str, str], quota: Quota, window: int) -> tuple[int, int]:
        """Finds or claims the entry of `caller`; returns it and the digest by which it is known."""
        digest = _digest(*caller)
        first = digest % self._buckets * _BUCKET_SIZE
        keys = self._keys[first : first + _BUCKET_SIZE].tolist()
        entry = first + keys.index(digest) if digest in keys else self._claim(first, digest, quota, window)
        if len(self._known) >= _MAX_KNOWN:
            self._known.clear()
        self._known[caller] = (entry, digest)
        return entry, digest

    def _claim(self, first: int, digest: int, quota: Quota, window: int) -> int:
        """Claims an entry for a caller in the bucket that begins at `first`; returns its index."""
        with _claiming(self._lock_file):
            keys = self._keys[first : first + _BUCKET_SIZE].tolist()
            if digest in keys:  # another process has claimed it meanwhile
                return first + keys.index(digest)
            end_times = self._end_times[first : first + _BUCKET_SIZE].tolist()
            latest = window * quota.seconds + _MAX_SECONDS_AHEAD
            entry = first + min(
                range(_BUCKET_SIZE), key=lambda index: end_times[index] if end_times[index] <= latest else 0
            )
            self._keys[entry] = 0
            for start in range(entry * self._lanes, (entry + 1) * self._lanes):
                self._counts[start] = 0
            self._end_times[entry] = (window + 2) * quota.seconds
            self._keys[entry] = digest
            return entry


def _digest(name: str, key: str) -> int:
    """Hashes the caller's name; never returns 0, which marks an empty entry."""
    hashed = blake2b(f"{name}\0{key}".encode("utf-8", "surrogatepass"), digest_size=_WORD)
    return int.from_bytes(hashed.digest(), "little") | 1 << 63


@contextmanager
def _claiming(descriptor: int) -> Iterator[None]:
    """Lets one process claim at a time. Continues without the lock if a suspended process holds it."""
    if descriptor < 0:
        yield
        return
    is_locked = _wait_for_lock(descriptor)
    try:
        yield
    finally:
        if is_locked:
            fcntl.lockf(descriptor, fcntl.LOCK_UN, 1, LANES)


def _wait_for_lock(descriptor: int) -> bool:
    for _ in range(_LOCK_ATTEMPTS):
        if _has_locked(descriptor, LANES):
            return True
        time.sleep(_LOCK_PAUSE)
    return False


def _has_locked(descriptor: int, byte: int) -> bool:
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, byte)
    except OSError:
        return False  # another process has locked it
    return True


def _free_lane(descriptor: int) -> int:
    """Returns a lane that no other process has; if all are taken, one that several processes share.

    The lock on the lane ends with the process, even if the process is killed.
    """
    free = (lane for lane in range(LANES) if _has_locked(descriptor, lane))
    return next(free, os.getpid() % LANES)
