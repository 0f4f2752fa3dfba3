"""A doorbell for the processes of one machine: each waiting process has a FIFO, and a ring writes to all of them."""

import asyncio
import errno
import os
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from secrets import token_hex

import structlog

from mechshare.adapters.wake_up import Rings
from mechshare.domain.errors import DependencyUnavailable
from mechshare.domain.jobs import Listener

_log = structlog.get_logger("mechshare.jobs")
_FIRST_CLAIM = 0.02
"""Seconds for which an idle worker of the process that rings may claim the new job before other workers are rung: they
would compete with it for the database's lock."""
_FOR_ALL, _FOR_FEEDS = b"!", b"f"


class EmbeddedDoorbell:
    """The processes share `folder`; the next ring removes the FIFO of a process that died."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._rings = Rings()
        self._own: tuple[Path, int] | None = None
        self._is_unavailable = False
        self._later: asyncio.TimerHandle | None = None

    async def ring(self) -> None:
        is_idle = self._rings.is_awaited(Listener.WORKERS)
        self._rings.add()
        self._ring_others(_FOR_FEEDS if is_idle else _FOR_ALL)
        if is_idle:
            self._ring_others_later()

    def _ring_others_later(self) -> None:
        if self._later is None:
            self._later = asyncio.get_running_loop().call_later(_FIRST_CLAIM, self._ring_all_others)

    def _ring_all_others(self) -> None:
        self._later = None
        self._ring_others(_FOR_ALL)

    def _ring_others(self, ring: bytes) -> None:
        try:
            fifos = list(self._folder.glob("*.fifo"))
        except OSError as problem:
            _log.warning("doorbell_unavailable", problem=str(problem))
            return
        for fifo in fifos:
            if self._own is None or fifo != self._own[0]:
                _ring(fifo, ring)

    async def wait(self, timeout: timedelta, listener: Listener = Listener.WORKERS) -> None:
        if self._own is None and not self._is_unavailable:
            self._listen()
        await self._rings.wait(timeout, listener)

    async def check(self) -> str:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            fifos = len(list(self._folder.glob("*.fifo")))
        except OSError as problem:
            raise DependencyUnavailable(dependency="doorbell") from problem
        if not os.access(self._folder, os.W_OK | os.X_OK):
            raise DependencyUnavailable(dependency="doorbell")
        return f"between the processes of this machine, {fifos} of which listen"

    async def close(self) -> None:
        if self._own is not None:
            path, descriptor = self._own
            asyncio.get_running_loop().remove_reader(descriptor)
            os.close(descriptor)
            path.unlink(missing_ok=True)
            self._own = None

    def _listen(self) -> None:
        try:
            self._own = _make_fifo(self._folder / f"{os.getpid()}-{token_hex(4)}.fifo")
        except OSError as problem:
            # From now on only the timeout wakes this process; log it once, not every second.
            self._is_unavailable = True
            _log.warning("doorbell_unavailable", problem=str(problem))
        else:
            descriptor = self._own[1]
            asyncio.get_running_loop().add_reader(descriptor, self._on_ring, descriptor)

    def _on_ring(self, descriptor: int) -> None:
        with suppress(BlockingIOError):
            rings = os.read(descriptor, 4096)
            self._rings.add(*([] if _FOR_ALL in rings else [Listener.FEEDS]))


def _make_fifo(path: Path) -> tuple[Path, int]:
    """Creates a FIFO at `path` and returns it with its descriptor. It is opened before it gets its name, because a
    ring removes FIFOs without a reader."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unnamed = path.with_suffix(".new")
    os.mkfifo(unnamed, 0o600)
    try:
        # Open it for writing too: a FIFO whose writers have all closed it is always readable.
        descriptor = os.open(unnamed, os.O_RDWR | os.O_NONBLOCK)
    except OSError:
        unnamed.unlink(missing_ok=True)
        raise
    try:
        unnamed.rename(path)
    except OSError:
        os.close(descriptor)
        raise
    return path, descriptor


def _ring(path: Path, ring: bytes) -> None:
    """Writes to one FIFO. Never raises, so that the other FIFOs are rung too."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        try:
            os.write(descriptor, ring)
        finally:
            os.close(descriptor)
    except (FileNotFoundError, BlockingIOError, BrokenPipeError):
        return  # the FIFO is gone; or it is full, and so its process wakes anyway
    except OSError as problem:
        if problem.errno != errno.ENXIO:
            _log.warning("doorbell_unavailable", problem=str(problem))
            return
        with suppress(OSError):  # the next ring tries again
            path.unlink(missing_ok=True)
