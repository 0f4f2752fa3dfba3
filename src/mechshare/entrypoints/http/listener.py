"""The sockets at which this process listens, which the server beneath keeps to itself."""

import asyncio
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

STALL_TIMEOUT_MS = 30_000
"""Milliseconds in which a client must take something of what was sent, when nothing more fits on its way."""
SEND_BUFFER_BYTES = 128 * 1024
"""What the system buffers for each connection (Linux doubles it): enough for 2 MB/s at a round trip of 100 ms."""
_POLL_INTERVAL = 0.1


async def bound_slow_readers() -> None:
    """As soon as this process listens: connections whose client takes nothing for STALL_TIMEOUT_MS are reset.

    Without it the system keeps them, with megabytes of what was to be sent, for as long as the client stays
    (RFC 9293, 3.8.6.1; RFC 5482). Accepted connections inherit the options. On systems other than Linux, does nothing.
    """
    if sys.platform != "linux":
        return
    # The server beneath does not say when it listens.
    while not (found := list(listening_sockets())):  # noqa: ASYNC110
        await asyncio.sleep(_POLL_INTERVAL)
    for listening in found:
        with listening:
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, STALL_TIMEOUT_MS)
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)


def listening_sockets() -> Iterator[socket.socket]:
    """The sockets at which this process listens for TCP, each a duplicate to be closed."""
    for name in [int(entry.name) for entry in Path("/proc/self/fd").iterdir()]:
        try:
            found = socket.socket(fileno=os.dup(name))
        except OSError:
            continue  # no socket, or closed meanwhile
        is_tcp = found.type == socket.SOCK_STREAM and found.family in (socket.AF_INET, socket.AF_INET6)
        if is_tcp and found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            yield found
        else:
            found.close()
