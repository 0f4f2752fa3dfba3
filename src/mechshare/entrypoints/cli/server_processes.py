"""The server's main process: it replaces server processes that end, and reserves the port for them."""

import errno
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click
from granian.server.mp import MPServer

REPLACEMENT_INTERVAL = 2.0
"""The minimum number of seconds between two replacements of processes that end right after their start."""
MIN_LIFETIME = 10.0
"""Seconds; the replacement of a process that ends sooner may end just as soon."""
_SIGNAL_INTERVAL = 0.1
_HANDOVER_SECONDS = 5.0
"""How long a new server waits for a port that another one still uses."""


class Server(MPServer):
    """Replaces each server process that ends, for as long as the server itself runs.

    Granian ends the whole server when a process and its successor end within 5.5 s, and forgets a process that
    ends while another is being replaced.
    """

    def _serve_loop(
        self, spawn_target: Callable[..., None], target_loader: Callable[..., Callable[..., Any]]
    ) -> None:
        while not self.interrupt_signal:
            self.main_loop_interrupt.wait()
            self.main_loop_interrupt.clear()
            if self.reload_signal:
                self._reload(spawn_target, target_loader)  # type: ignore[no-untyped-call]
            ended = [one for one in self.wrks if not one.is_alive()]  # type: ignore[no-untyped-call]
            if ended and not self.interrupt_signal:
                self._pause(min(time.monotonic() - worker.birth for worker in ended))
                self._respawn_workers([worker.idx for worker in ended], spawn_target, target_loader)
            # A process that ended by itself was replaced, so it does not affect the server's exit status.
            self.interrupt_children.clear()

    def _pause(self, lifetime: float) -> None:
        """Waits before replacing a process that lived for `lifetime` seconds; SIGTERM ends the wait."""
        deadline = time.monotonic() + (REPLACEMENT_INTERVAL if lifetime < MIN_LIFETIME else 0.0)
        while time.monotonic() < deadline and not self.interrupt_signal:
            time.sleep(_SIGNAL_INTERVAL)


@contextmanager
def reserved_port(host: str, port: int) -> Iterator[tuple[str, int]]:
    """Reserves a port while the context lasts, so that no other program can listen on it; returns the IP address and
    the port. Port 0 selects a free port.

    Server processes of this user can still bind the port: they use SO_REUSEPORT, with which a second server would
    otherwise receive half of the connections. Raises click.ClickException if the port is not available.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        reservation = socket.socket(family, kind, protocol)
    except OSError as problem:
        raise click.ClickException(f"can't listen at {host}: {problem.strerror or problem}.") from problem
    with reservation:
        _bind(reservation, address, f"{host}:{port}")
        bound = reservation.getsockname()
        yield bound[0], bound[1]


def _bind(reservation: socket.socket, address: Any, name: str) -> None:
    """Binds without SO_REUSEPORT, to fail if the port is in use, and then lets others with SO_REUSEPORT bind it."""
    reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # old connections may linger
    deadline = time.monotonic() + _HANDOVER_SECONDS
    while True:
        try:
            reservation.bind(address)
            break
        except OSError as problem:
            # A server that is shutting down frees the port before it ends.
            if problem.errno == errno.EADDRINUSE and time.monotonic() < deadline:
                time.sleep(_SIGNAL_INTERVAL)
                continue
            advice = "Stop what listens there, or choose another port with --port or MECHSHARE_PORT"
            raise click.ClickException(f"can't listen at {name}: {problem.strerror}. {advice}.") from problem
    reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
