"""What the doctor says about the address of the operations listener."""

import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from servers.ports import free_port

from mechshare import settings
from mechshare.entrypoints.cli.operations_listener import examine
from mechshare.entrypoints.operations.exposition import ProcessesCollector, registry_of
from mechshare.entrypoints.operations.listener import listening
from mechshare.entrypoints.operations.pages import OperationsPages


def examined(address: str, server_port: int | None = None) -> tuple[str, str]:
    return examine(
        settings.load(
            {
                "MECHSHARE_OPERATIONS_ADDRESS": address,
                "MECHSHARE_PORT": str(server_port or free_port()),
            }
        )
    )


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[int]:
    """The port of an operations listener on every address of this machine."""
    pages = OperationsPages(registry_of(ProcessesCollector(tmp_path)), lambda uploads: [], lambda: False)
    with listening("0.0.0.0", 0, pages) as (_, port):
        yield port


def test_a_listener_that_responds_and_a_free_port_are_right(listener: int) -> None:
    port = free_port()
    assert examined(f"127.0.0.1:{listener}") == (f"127.0.0.1:{listener} responds", "")
    assert examined(f"127.0.0.1:{port}") == (f"127.0.0.1:{port} is free for the server", "")
    assert examined("off") == ("off: no metrics, no details of health", "")


def test_a_port_that_another_program_has_is_reported() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        address = "{}:{}".format(*other.getsockname())
        message, advice = examined(address)
    assert message == f"{address} can't be used: Address already in use"
    assert "MECHSHARE_OPERATIONS_ADDRESS" in advice


@pytest.mark.parametrize("host", ["192.0.2.1", "nowhere.invalid"])
def test_an_address_of_another_machine_is_reported(host: str) -> None:
    message, advice = examined(f"{host}:{free_port()}")
    assert f"{host}:" in message
    assert "can't be used" in message
    assert "address of this machine" in advice


def test_an_address_open_to_other_networks_is_reported(listener: int) -> None:
    message, advice = examined(f"0.0.0.0:{listener}")
    assert message == f"0.0.0.0:{listener} responds, and is open to other networks"
    assert "needs no token" in advice


def test_the_port_of_the_api_is_reported() -> None:
    port = free_port()
    message, advice = examined(f"127.0.0.1:{port}", port)
    assert message == f"127.0.0.1:{port} is the port of the API"
    assert "free port" in advice


def test_a_server_without_its_listener_is_reported(listener: int) -> None:
    # Both listeners respond to /health/live in the same way.
    message, advice = examined(f"127.0.0.1:{free_port()}", listener)
    assert "does not respond, although the server does" in message
    assert "restart" in advice
