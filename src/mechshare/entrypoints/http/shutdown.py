"""Graceful shutdown: a server process responds to every accepted request before it ends.

At SIGTERM Granian closes its listening socket at once. Linux then resets the connections in its backlog, and keep-alive
connections may break while a client reuses them. This module therefore shuts down in three steps:

1. For DRAIN_SECONDS seconds the process serves as before, but each HTTP/1 response closes its connection, and
   `/health/ready` reports that the process stops, so that load balancers choose another.
2. The process ignores new connections, and for ACCEPT_SECONDS seconds accepts those in the backlog.
3. The server stops.
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

DRAIN_SECONDS = 2.0
"""Seconds in which clients and load balancers can move to another process."""
ACCEPT_SECONDS = 0.5
"""Seconds in which connections from the backlog are accepted and their requests read."""
IDLE_TIMEOUT = 2.0
"""Maximum seconds between two pieces of a request body once shutdown has begun."""
_SO_ATTACH_FILTER = 26
# Classic BPF (linux/filter.h): load byte 13 of the TCP header, its flags; drop segments with SYN, pass all others.
_NO_SYN = ((0x30, 0, 0, 13), (0x45, 0, 1, 0x02), (0x06, 0, 0, 0), (0x06, 0, 0, 0xFFFFFFFF))
_log = structlog.get_logger("mechshare.http")


class Shutdown:
    """Whether this process is shutting down; streams and other long operations check it.

    `has_started` is false until the lifespan of the application has run.
    """

    def __init__(self) -> None:
        self.event = asyncio.Event()
        self.has_started = False
        self._waits: set[asyncio.Timeout] = set()

    def reset(self) -> None:
        """Resets the state at the start of a lifespan; an application may have several in a row."""
        self.event = asyncio.Event()
        self.has_started = True

    @property
    def has_begun(self) -> bool:
        return self.event.is_set()

    def begin(self) -> None:
        """Begins the shutdown and limits every wait under way to IDLE_TIMEOUT from now."""
        if not self.has_begun:
            self.event.set()
            for wait in self._waits:
                wait.reschedule(asyncio.get_running_loop().time() + IDLE_TIMEOUT)

    @asynccontextmanager
    async def idle_timeout(self, seconds: float) -> AsyncIterator[None]:
        """Raises TimeoutError in its body after `seconds`, or IDLE_TIMEOUT after shutdown began, whichever is first."""
        try:
            async with asyncio.timeout(min(seconds, IDLE_TIMEOUT) if self.has_begun else seconds) as wait:
                self._waits.add(wait)
                yield
        finally:
            self._waits.discard(wait)


@contextmanager
def graceful_shutdown(shutdown: Shutdown) -> Iterator[None]:
    """Handles SIGTERM in place of the server inside the context.

    The server still handles SIGINT: this function sends it as the last step, and Ctrl-C ends the server at once.
    """
    loop = asyncio.get_running_loop()
    steps: list[asyncio.TimerHandle] = []

    def begin() -> None:
        if shutdown.has_begun:
            return
        shutdown.begin()
        steps.append(loop.call_later(DRAIN_SECONDS, refuse_new_connections))
        steps.append(loop.call_later(DRAIN_SECONDS + ACCEPT_SECONDS, os.kill, os.getpid(), signal.SIGINT))

    loop.add_signal_handler(signal.SIGTERM, begin)
    try:
        yield
    finally:
        for step in steps:
            step.cancel()


def refuse_new_connections() -> None:
    """Drops the SYN of new connections (Linux only; does nothing elsewhere).

    The client's system retransmits the SYN. Another process that listens on the port accepts the connection, or the
    system refuses it once this process has closed its socket.
    """
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
