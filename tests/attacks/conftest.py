"""Attacks on a running server. The short form uses 500 connections, `nox -s chaos` (`--long`) thousands."""

from collections.abc import Iterator

import pytest

from tests.attacks.server import AttackedServer, attackable_server

SHORT_CONNECTIONS, LONG_CONNECTIONS = 500, 5_000


@pytest.fixture(scope="session")
def attacked_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AttackedServer]:
    """One embedded server with default settings and two server processes, shared by attacks without settings of their
    own."""
    with attackable_server(tmp_path_factory.mktemp("attacked")) as server:
        yield server


@pytest.fixture(scope="session")
def idle_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AttackedServer]:
    """The same, but it processes no clips: a stream of events lasts as long as its listener, and clips wait until a
    test starts a worker."""
    with attackable_server(tmp_path_factory.mktemp("idle"), JOB_SLOTS="0") as server:
        yield server


@pytest.fixture
def connections(long: bool) -> int:
    """Returns how many connections an attack opens."""
    return LONG_CONNECTIONS if long else SHORT_CONNECTIONS
