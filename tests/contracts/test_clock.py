"""What every clock promises."""

from collections.abc import AsyncIterator
from datetime import UTC
from pathlib import Path

import pytest

from mechshare.ports.clock import Clock
from tests.contracts.harness import adapters_of


@pytest.fixture(params=adapters_of("clock"))
async def clock(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Clock]:
    async with request.param(tmp_path) as opened:
        yield opened


async def test_the_time_is_aware_and_in_utc(clock: Clock) -> None:
    assert clock.now().tzinfo is UTC


async def test_time_does_not_run_backwards(clock: Clock) -> None:
    told = [clock.now() for _ in range(100)]
    assert told == sorted(told)
