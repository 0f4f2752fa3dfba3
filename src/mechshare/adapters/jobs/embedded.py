"""A doorbell between the processes of one machine: each that waits has a FIFO, whoever rings writes to all of them."""

import asyncio
import errno
import os
from datetime import timedelta
from pathlib import Path
from secrets import token_hex

import structlog

_log = structlog.get_logger("mechshare.jobs")


class EmbeddedDoorbell:
    """`folder` is shared by the processes; the FIFO of a process that died is removed by the next who rings."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._rung = asyncio.Event()
        self._own: tuple[Path, int] | None = None

    async def ring(self) -> None:
        self._rung.set()
        try:
            others = [
                path for path in self._folder.glob("*.bell") if self._own is None or path != self._own[0]
            ]
            for path in others:
                _ring(path)
        except OSError as problem:
            _log.warning("doorbell_out_of_order", problem=str(problem))

    async def wait(self, timeout: timedelta) -> None:
        if self._own is None:
            self._own = self._listen()
        try:
            async with asyncio.timeout(timeout.total_seconds()):
                await self._rung.wait()
        except TimeoutError:
            return
        self._rung.clear()

    async def close(self) -> None:
        if self._own is not None:
            path, descriptor = self._own
            asyncio.get_running_loop().remove_reader(descriptor)
            os.close(descriptor)
            path.unlink(missing_ok=True)
            self._own = None

    def _listen(self) -> tuple[Path, int]:
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{os.getpid()}-{token_hex(4)}.bell"
        os.mkfifo(path, 0o600)
        # Opened for writing too: a FIFO whose writers have all gone would be readable for ever.
        descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        asyncio.get_running_loop().add_reader(descriptor, self._heard, descriptor)
        return path, descriptor

    def _heard(self, descriptor: int) -> None:
        os.read(descriptor, 4096)
        self._rung.set()


def _ring(path: Path) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    except FileNotFoundError:
        return
    except OSError as problem:
        if problem.errno != errno.ENXIO:
            raise
        path.unlink(missing_ok=True)
        return
    try:
        os.write(descriptor, b"!")
    except BlockingIOError:
        return  # it is full, and so rings already
    finally:
        os.close(descriptor)
