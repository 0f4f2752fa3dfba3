"""Finds and configures the listening sockets of this process, to which the server (Granian) gives no access."""

import asyncio
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

STALL_TIMEOUT_MS = 30_000
"""Milliseconds for which sent data may stay unacknowledged, or a zero window last, before the connection is reset."""
SEND_BUFFER_BYTES = 128 * 1024
"""Send buffer of each connection (Linux doubles it): enough for 2 MB/s at a round trip of 100 ms."""
_POLL_INTERVAL = 0.1


async def bound_slow_readers() -> None:
    """Waits until this process listens, then has the system reset connections whose client reads nothing for
    STALL_TIMEOUT_MS.

    By default the system keeps such a connection, with megabytes of unsent data, as long as the client stays connected
    (RFC 9293, 3.8.6.1; RFC 5482). Accepted connections inherit the options. Does nothing on systems other than Linux.
    """
    if sys.platform != "linux":
        return
    # Granian has no event for the start of listening.
    while not (found := list(listening_sockets())):  # noqa: ASYNC110
        await asyncio.sleep(_POLL_INTERVAL)
    for listening in found:
        with listening:
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, STALL_TIMEOUT_MS)
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)


def listening_sockets() -> Iterator[socket.socket]:
    """Yields a duplicate of each listening TCP socket of this process; the caller closes it."""
    for descriptor in [int(entry.name) for entry in Path("/proc/self/fd").iterdir()]:
        if _is_listening(descriptor):
            yield socket.socket(fileno=os.dup(descriptor))


def _is_listening(descriptor: int) -> bool:
    """Whether it is a listening TCP socket. It duplicates no descriptor, since closing a duplicate of a regular file
    releases all locks that this process has on the file (fcntl(2)).

    Without its locks on a SQLite database, this process looks like none: the next one that opens the database clears
    the index of the write-ahead log, or deletes the log when it closes it.
    """
    try:
        found = socket.socket(fileno=descriptor)
    except OSError:
        return False  # not a socket, or already closed
    try:
        is_tcp = found.type == socket.SOCK_STREAM and found.family in (socket.AF_INET, socket.AF_INET6)
        return is_tcp and bool(found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
    except OSError:
        return False  # closed meanwhile
    finally:
        found.detach()
