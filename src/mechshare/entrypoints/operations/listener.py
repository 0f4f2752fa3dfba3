"""An HTTP listener for operators, in threads beside the main program."""

import http.client
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import TCPServer, ThreadingMixIn
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from mechshare.entrypoints.operations.pages import OperationsPages
from mechshare.services.maintenance.health import Check

_IDLE_TIMEOUT = 10.0
_LIVENESS_TIMEOUT = 2.0


class _Handler(WSGIRequestHandler):
    timeout = _IDLE_TIMEOUT

    def log_message(self, format: str, *args: Any) -> None:
        """Logs nothing: scrapes are not worth a line each."""


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def __init__(self, family: socket.AddressFamily, address: Any) -> None:
        self.address_family = family
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        """Binds without a look-up of the host's name, which may take seconds."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]
        self.setup_environ()


@contextmanager
def listening(host: str, port: int, pages: OperationsPages) -> Iterator[tuple[str, int]]:
    """Serves `pages` while the context lasts; yields the address and the port. Port 0 selects a free port.

    Raises OSError if the port can't be used.
    """
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with _Server(family, address) as server:
        server.set_app(pages)
        thread = Thread(target=server.serve_forever, name="operations-listener", daemon=True)
        thread.start()
        try:
            yield server.server_name, server.server_port
        finally:
            server.shutdown()
            thread.join(_IDLE_TIMEOUT)


def reachable(host: str) -> str:
    """Returns the address at which this machine reaches a server that listens at `host`."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  where it listens


def check_server(host: str, port: int) -> Check:
    """Requests /health/live of the server that listens at `host` and `port`: any of its processes may respond."""
    connection = http.client.HTTPConnection(reachable(host), port, timeout=_LIVENESS_TIMEOUT)
    try:
        connection.request("GET", "/health/live")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as problem:
        detail = f"{host}:{port} is not reachable: {problem or type(problem).__name__}"
        return Check(name="server", is_up=False, is_essential=True, detail=detail)
    finally:
        connection.close()
    return Check(
        name="server", is_up=status == 200, is_essential=True, detail=f"reachable; responds with {status}"
    )
