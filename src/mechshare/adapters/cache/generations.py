"""The generations of cache tags: random numbers. An invalidation writes a new one, a refresh a new second half."""

import os
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

import structlog

from mechshare.adapters.shared_memory import CHECK_INTERVAL, FileReader, LoopTurns

SLOTS = 65_536
"""Tags share this many generations. Tags that share one are invalidated together."""
SLOT_BYTES = 8
_HALF = SLOT_BYTES // 2
_EPOCH_AT = SLOTS * SLOT_BYTES
_FILE_BYTES = _EPOCH_AT + SLOT_BYTES
_EMPTY = bytes(SLOT_BYTES)
_log = structlog.get_logger("mechshare.cache")


class LocalGenerations:
    """Generations in the memory of one process."""

    def __init__(self) -> None:
        self._periods = 0
        self.renew_all()

    def period(self) -> int:
        """Returns a number that stays the same while what was read is current."""
        self._periods += 1  # reading again takes no longer than looking for changes
        return self._periods

    def read(self, slot: int) -> bytes | None:
        """Returns the generation of a slot; None if no entry may be served."""
        return self._renewed.get(slot, self._others)

    def renew(self, slots: Iterable[int]) -> None:
        self._renewed.update((slot, _random()) for slot in slots)

    def refresh(self, slots: Iterable[int]) -> None:
        """Renews the second halves of these generations."""
        for slot in slots:
            self._renewed[slot] = self._renewed.get(slot, self._others)[:_HALF] + os.urandom(_HALF)

    def renew_all(self) -> None:
        self._renewed: dict[int, bytes] = {}
        self._others = _random()

    def close(self) -> None:
        """Does nothing: memory needs no release."""


class SharedGenerations:
    """Generations in a file that all processes of a machine open: an invalidation takes effect in all of them.

    The file ends with a random number, the epoch, that each change of a generation replaces afterwards. While it stays
    the same, so do the generations that this process has read; it reads the epoch once in each turn of the event loop.

    If the file is deleted, replaced or truncated, every process notices within CHECK_INTERVAL. It then opens the file
    at the path, which it creates if necessary, and renews all generations, because it may have missed invalidations.
    While the file can't be opened, `read` returns None. The file is read and written rather than mapped: access to a
    mapped page beyond the end of a truncated file kills the process.
    """

    def __init__(self, path: Path) -> None:
        """Opens the file at `path`, accessible to its owner only. Raises OSError."""
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: FileReader | None = _opened(path)
        self._next_check = 0.0
        self._is_reported = False
        self._turns = LoopTurns()
        self._epoch: bytes | None = None
        self._known: dict[int, bytes] = {}
        self._period = 0

    def period(self) -> int:
        """Returns a number that stays the same while what was read is current: a turn of the event loop, in which
        this process changes no generation."""
        if self._turns.begins():
            self._look_for_changes()
        return self._period

    def read(self, slot: int) -> bytes | None:
        """Returns the generation of a slot; None if no entry may be served."""
        if self._turns.begins():
            self._look_for_changes()
        known = self._known.get(slot)
        return known if known is not None else self._read_slot(slot)

    def renew(self, slots: Iterable[int]) -> None:
        self._check()
        for slot in slots:
            self._write(slot * SLOT_BYTES, _random())
        self._begin_epoch()

    def refresh(self, slots: Iterable[int]) -> None:
        """Renews the second halves of these generations."""
        self._check()
        for slot in slots:
            if self._read_slot(slot) is not None:  # which replaces zeros
                self._write(slot * SLOT_BYTES + _HALF, os.urandom(_HALF))
        self._begin_epoch()

    def renew_all(self) -> None:
        self._check()
        self._write(0, os.urandom(_FILE_BYTES))
        self._drop_known()

    def close(self) -> None:
        self._next_check = float("inf")
        self._close_file()

    def _look_for_changes(self) -> None:
        """Begins a period, and drops the generations that were read if any may have changed since."""
        self._period += 1
        if time.monotonic() >= self._next_check:
            self._check()
            self._drop_known()  # processes of a former version, during an upgrade, begin no epochs
        epoch = self._read_number(_EPOCH_AT)
        if epoch is None or epoch != self._epoch:
            self._drop_known()
            self._epoch = epoch

    def _begin_epoch(self) -> None:
        """Makes every process read again the generations that it has read."""
        self._write(_EPOCH_AT, _random())
        # This may have overwritten the epoch of another process, whose changes are unknown to this one.
        self._drop_known()

    def _drop_known(self) -> None:
        """Drops the generations that were read."""
        self._period += 1
        self._epoch = None
        self._known.clear()

    def _read_slot(self, slot: int) -> bytes | None:
        found = self._read_number(slot * SLOT_BYTES)
        if found == _EMPTY:
            # A truncated and then extended file contains zeros, which must not make old entries valid.
            found = _random()
            self._write(slot * SLOT_BYTES, found)
            self._begin_epoch()
        if found is not None:
            self._known[slot] = found
        return found

    def _read_number(self, offset: int) -> bytes | None:
        """Returns what the file contains at `offset`; None if there is no file that can be used."""
        if self._file is None:
            return None
        try:
            found = self._file.read(offset)
        except OSError as problem:
            self._lose(problem)
            return None
        if len(found) < SLOT_BYTES:
            self._reopen()
            return None
        return found

    def _check(self) -> None:
        self._next_check = time.monotonic() + CHECK_INTERVAL
        try:
            is_same = self._file is not None and os.path.samestat(
                self._path.stat(), os.fstat(self._file.descriptor)
            )
        except OSError:
            is_same = False
        if not is_same:
            self._reopen()

    def _reopen(self) -> None:
        """Opens the file at the path and renews all generations: other processes may have written to it before."""
        self._close_file()
        try:
            self._file = _opened(self._path)
        except OSError as problem:
            self._report(problem)
            return
        self._write(0, os.urandom(_FILE_BYTES))
        if self._file is not None:
            self._is_reported = False
            _log.warning("cache_generations_replaced", path=str(self._path))

    def _write(self, offset: int, content: bytes) -> None:
        if self._file is None:
            return
        try:
            os.pwrite(self._file.descriptor, content, offset)
        except OSError as problem:
            self._lose(problem)

    def _lose(self, problem: OSError) -> None:
        """Removes a file that can't be read or written, so that no other process relies on it either."""
        self._report(problem)
        self._close_file()
        with suppress(OSError):
            self._path.unlink()

    def _report(self, problem: OSError) -> None:
        """Logs that nothing is cached, once until the file can be used again."""
        if not self._is_reported:
            self._is_reported = True
            _log.warning("cache_generations_unavailable", path=str(self._path), problem=str(problem))

    def _close_file(self) -> None:
        if self._file is not None:
            os.close(self._file.descriptor)
            self._file = None
        self._drop_known()


def are_refreshed(before: Sequence[bytes], now: Sequence[bytes]) -> bool:
    """Whether these generations differ in their second halves at most: nothing was invalidated."""
    return len(before) == len(now) and all(
        one[:_HALF] == other[:_HALF] for one, other in zip(before, now, strict=True)
    )


def _opened(path: Path) -> FileReader:
    """Opens the file and extends it to its full size. Raises OSError."""
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if os.fstat(file).st_size < _FILE_BYTES:
            os.truncate(file, _FILE_BYTES)
    except OSError:
        os.close(file)
        raise
    return FileReader(file, SLOT_BYTES)


def _random() -> bytes:
    """Random rather than counted: processes would count alike, and a repeated number would make old entries valid."""
    return os.urandom(SLOT_BYTES)
