"""Attacks on a running server. The short form uses 500 connections, `nox -s chaos` (`--long`) thousands."""

import resource
import sys
from collections.abc import Iterator

import pytest

from tests.attacks.server import AttackedServer, attackable_server

SHORT_CONNECTIONS, LONG_CONNECTIONS = 500, 5_000
SPARE_FILES = 500
"""Open files that everything else in this process needs."""


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
    """Returns how many connections an attack opens: in the long form as many as the limit of open files allows."""
    return min(LONG_CONNECTIONS, _open_files_allowed() - SPARE_FILES) if long else SHORT_CONNECTIONS


def _open_files_allowed() -> int:
    """Raises this process's limit of open files as far as it may, and returns it."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return sys.maxsize if most == resource.RLIM_INFINITY else most
