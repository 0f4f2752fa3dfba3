"""Every adapter of every port, for the suites in `mechshare.testing`."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.contracts.harness import adapters_of


@pytest.fixture(params=adapters_of("backups"))
async def backup(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    async with request.param(tmp_path) as opened:
        yield opened


@pytest.fixture(params=adapters_of("media"))
async def media(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    async with request.param(tmp_path) as opened:
        yield opened


@pytest.fixture(params=adapters_of("blobs"))
async def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    async with request.param(tmp_path) as opened:
        yield opened


@pytest.fixture(params=adapters_of("uploads"))
async def uploads(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    async with request.param.both(tmp_path) as opened:
        yield opened


@pytest.fixture(params=adapters_of("cache"))
async def cache(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    async with request.param(tmp_path) as opened:
        yield opened


@pytest.fixture(params=adapters_of("persistence"))
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    async with request.param(tmp_path) as opened:
        yield opened


@pytest.fixture(params=adapters_of("disks"))
async def disks(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    async with request.param(tmp_path) as opened:
        yield opened


@pytest.fixture(params=adapters_of("scratch"))
async def scratch(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    async with request.param(tmp_path) as opened:
        yield opened


@pytest.fixture(params=adapters_of("clock"))
async def clock(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    async with request.param(tmp_path) as opened:
        yield opened


@pytest.fixture(params=adapters_of("ids"))
async def ids(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    async with request.param(tmp_path) as opened:
        yield opened


@pytest.fixture(params=adapters_of("doorbell"))
async def doorbell(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    async with request.param(tmp_path) as opened:
        yield opened


@pytest.fixture(params=adapters_of("rate_limits"))
async def limiter(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    async with request.param(tmp_path) as opened:
        yield opened


@pytest.fixture(params=adapters_of("recent_views"))
async def recent_views(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    async with request.param(tmp_path) as opened:
        yield opened


@pytest.fixture(params=adapters_of("passwords"))
async def passwords(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    async with request.param(tmp_path) as opened:
        yield opened


@pytest.fixture(params=adapters_of("search"))
async def index(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    async with request.param(tmp_path) as opened:
        yield opened


@pytest.fixture(params=adapters_of("tokens"))
async def tokens(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    async with request.param(tmp_path) as opened:
        yield opened


@pytest.fixture(params=adapters_of("motion"))
async def analyser(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    async with request.param(tmp_path) as opened:
        yield opened


@pytest.fixture(params=adapters_of("motion_index"))
async def motion_index(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    async with request.param(tmp_path) as opened:
        yield opened


@pytest.fixture(params=adapters_of("webhooks"))
async def webhooks(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    async with request.param.both(tmp_path) as opened:
        yield opened
