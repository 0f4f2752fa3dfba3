"""Ports for servers of tests, which no other program takes meanwhile."""

import os
import random
import socket
import sys
from collections import deque
from pathlib import Path

LOWEST = 10_000
_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_DEFAULT_FIRST_EPHEMERAL = 32_768
_ATTEMPTS = 1_000
_MAX_RESERVATIONS = 200
_reservations: deque[int] = deque()
"""Descriptors of the newest reservations: a server listens long before that of its port is dropped."""


def free_port() -> int:
    """Returns a port on 127.0.0.1 that is free, as is the next one, where a server's operations listener goes.

    The port is below those that the system gives to outgoing connections: one of these could take a port between this
    call and the start of the server. Nor does this function return it to another process meanwhile.
    """
    for _ in range(_ATTEMPTS):
        port = random.randrange(LOWEST, _first_ephemeral() - 1)
        if all(_is_reserved_now(one) and _is_free(one) for one in (port, port + 1)):
            return port
    raise OSError(f"no port from {LOWEST} to {_first_ephemeral()} is free")


def _is_reserved_now(port: int) -> bool:
    """Reserves a port for this process; returns whether no process had reserved it.

    The reservation is a name of Linux's own for a socket, which ends with the process, however it ends.
    """
    if sys.platform != "linux":
        return True
    reservation = socket.socket(socket.AF_UNIX)
    try:
        reservation.bind(f"\0mechshare-port-{port}")
    except OSError:
        reservation.close()
        return False
    _reservations.append(reservation.detach())
    if len(_reservations) > _MAX_RESERVATIONS:
        os.close(_reservations.popleft())
    return True


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _first_ephemeral() -> int:
    try:
        return max(int(_RANGE.read_text().split()[0]), LOWEST + 2_000)
    except OSError:
        return _DEFAULT_FIRST_EPHEMERAL
