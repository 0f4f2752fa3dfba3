"""The pytest plugin: mechshare in the memory of the test's process, for suites of programs that use its API.

pytest loads it wherever mechshare is installed, so it imports the rest of mechshare only when a test needs it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from litestar import Litestar
    from litestar.testing import TestClient
    from litestar.types import ASGIApp

# A failure in one of the contract suites then shows the values that were compared.
pytest.register_assert_rewrite("mechshare.testing")


@pytest.fixture(scope="session")
def _mechshare_routes() -> Litestar:
    """The routes, which every `mechshare_app` uses in turn: building them takes longer than the rest of its start."""
    from mechshare.entrypoints.http.app import build_routes

    return build_routes(public_url="")


@pytest.fixture
def mechshare_app(_mechshare_routes: Litestar) -> ASGIApp:
    """An empty mechshare as an ASGI application, with everything in memory.

    The caller must run its lifespan, as servers and test clients do; until then it responds 503 NOT_STARTED.
    """
    from mechshare.bootstrap.memory import memory_application
    from mechshare.entrypoints.http.app import build_app
    from mechshare.entrypoints.worker.observer import LoggingObserver

    return build_app(memory_application(LoggingObserver()), routes=_mechshare_routes)


@pytest.fixture
def mechshare_client(mechshare_app: ASGIApp) -> Iterator[TestClient[ASGIApp]]:
    """An httpx client of `mechshare_app`; the application runs and processes uploads in a separate thread."""
    from litestar.testing import TestClient

    with TestClient(mechshare_app, base_url="http://mechshare.test") as client:
        yield client
