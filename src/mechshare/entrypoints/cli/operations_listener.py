"""Examines the address of the operations listener."""

import http.client
import socket
from ipaddress import ip_address

from mechshare.entrypoints.operations.listener import check_server, reachable
from mechshare.setting_values import PREFIX
from mechshare.settings import Settings, operations_address

_SETTING = f"{PREFIX}OPERATIONS_ADDRESS"
_TIMEOUT = 2.0
_ALIVE = b'{"status":"alive"}'
_CHOOSE_ANOTHER = (
    f"set {_SETTING} to an address of this machine and a free port; until then there are no metrics"
)
_RESTART = "restart the server; its log says why it does not listen there"
_CLOSE = (
    f"it needs no token: set {_SETTING} to 127.0.0.1, or admit only operators by a firewall; "
    "of a container, do not publish the port"
)


def examine(chosen: Settings) -> tuple[str, str]:
    """Returns the state of the listener and what to do about it; nothing is to be done if the latter is empty.

    A port without a listener is bound for a moment.
    """
    address = operations_address(chosen, chosen.port)
    if address is None:
        return "off: no metrics, no details of health", ""
    host, port = address
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        state, advice = _state(chosen, host, port)
        is_open = _is_open(host, port)
    except OSError as problem:
        reason = str(problem.strerror).partition(" (")[0]  # Python repeats the address in brackets
        return f"{where} can't be used: {reason}", _CHOOSE_ANOTHER
    if is_open and not advice:
        return f"{where} {state}, and is open to other networks", _CLOSE
    return f"{where} {state}", advice


def _state(chosen: Settings, host: str, port: int) -> tuple[str, str]:
    if port == chosen.port:
        return "is the port of the API", _CHOOSE_ANOTHER
    if _is_listening(host, port):
        return "responds", ""
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.create_server(address, family=family):
        pass
    if check_server(chosen.host, chosen.port).is_up:
        return "does not respond, although the server does", _RESTART
    return "is free for the server", ""


def _is_listening(host: str, port: int) -> bool:
    """Returns whether the operations listener of a mechshare responds."""
    connection = http.client.HTTPConnection(reachable(host), port, timeout=_TIMEOUT)
    try:
        connection.request("GET", "/health/live")
        return connection.getresponse().read(len(_ALIVE) + 1) == _ALIVE
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _is_open(host: str, port: int) -> bool:
    """Returns whether the address may be reached from outside of private networks."""
    found = ip_address(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][4][0])
    return found.is_unspecified or found.is_global
