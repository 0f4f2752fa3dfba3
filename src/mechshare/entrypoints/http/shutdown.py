"""How a server process ends: whoever was let in is answered.

Granian, told to stop, closes its listening socket at once; Linux then resets the connections that wait in it, and
those that are kept alive may break just as they are used again. So, at SIGTERM, a process first goes on for a moment,
in which its answers end their connections and `/health/ready` sends load balancers elsewhere; then lets no new
connection begin, answers those that had; and only then stops.
"""

import asyncio
import ctypes
import os
import signal
import socket
import struct
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import structlog

from mechshare.entrypoints.http.listener import listening_sockets

LOOK_AWAY = 2.0
"""Seconds in which clients and load balancers learn to go elsewhere."""
LET_IN = 0.5
"""Seconds in which connections that had begun are let in and heard."""
IDLE_TIMEOUT = 2.0
"""Seconds that a sender may still leave between two pieces of a body."""
_SO_ATTACH_FILTER = 26
# Classic BPF (linux/filter.h): load byte 13 of the TCP header, its flags; drop what has SYN, keep all else.
_NO_SYN = ((0x30, 0, 0, 13), (0x45, 0, 1, 0x02), (0x06, 0, 0, 0), (0x06, 0, 0, 0xFFFFFFFF))
_log = structlog.get_logger("mechshare.http")


class Shutdown:
    """Whether this process is to end, known to all that would go on for long.

    `has_started` is false until the lifespan of the application has run.
    """

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.has_started = False
        self._waits: set[asyncio.Timeout] = set()

    def start_again(self) -> None:
        """Marks the beginning of a lifespan, which may follow another."""
        self.begun = asyncio.Event()
        self.has_started = True

    @property
    def has_begun(self) -> bool:
        return self.begun.is_set()

    def begin(self) -> None:
        """From now on nobody is waited for longer than IDLE_TIMEOUT."""
        if not self.has_begun:
            self.begun.set()
            for wait in self._waits:
                wait.reschedule(asyncio.get_running_loop().time() + IDLE_TIMEOUT)

    @asynccontextmanager
    async def idle_timeout(self, seconds: float) -> AsyncIterator[None]:
        """Raises TimeoutError after `seconds`, or IDLE_TIMEOUT after the process was told to end."""
        try:
            async with asyncio.timeout(min(seconds, IDLE_TIMEOUT) if self.has_begun else seconds) as wait:
                self._waits.add(wait)
                yield
        finally:
            self._waits.discard(wait)


@contextmanager
def graceful_shutdown(stopping: Shutdown) -> Iterator[None]:
    """Takes SIGTERM over from the server, as long as the context lasts.

    SIGINT stays the server's own: sent here it ends the server when all is done; Ctrl-C ends it at once.
    """
    loop = asyncio.get_running_loop()
    steps: list[asyncio.TimerHandle] = []

    def begin() -> None:
        if stopping.has_begun:
            return
        stopping.begin()
        steps.append(loop.call_later(LOOK_AWAY, refuse_new_connections))
        steps.append(loop.call_later(LOOK_AWAY + LET_IN, os.kill, os.getpid(), signal.SIGINT))

    loop.add_signal_handler(signal.SIGTERM, begin)
    try:
        yield
    finally:
        for step in steps:
            step.cancel()


def refuse_new_connections() -> None:
    """New connections are left unanswered from now on, for others that listen here, or to be refused once this process
    has closed its socket; the client's system asks again by itself. On systems other than Linux, does nothing."""
    if sys.platform != "linux":
        return
    code = b"".join(struct.pack("HBBI", *instruction) for instruction in _NO_SYN)
    instructions = ctypes.create_string_buffer(code)
    program = struct.pack("HP", len(_NO_SYN), ctypes.addressof(instructions))
    for listening in listening_sockets():
        with listening:
            try:
                listening.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)
            except OSError as problem:
                _log.warning("listen_filter_failed", problem=str(problem))
