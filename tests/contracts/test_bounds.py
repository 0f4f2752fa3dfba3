"""A contract suite fails, and does not hang, on an adapter that never does what the suite waits for."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import pytest

from mechshare.adapters.blobs.memory import MemoryBlobStore
from mechshare.adapters.doorbell.memory import MemoryDoorbell
from mechshare.domain.blobs import BlobFacts
from mechshare.domain.jobs import Listener
from mechshare.ports.doorbell import Doorbell
from mechshare.testing import blobs, bounds, doorbell


class SilentDoorbell(MemoryDoorbell):
    """A doorbell whose ring wakes nobody."""

    async def ring(self) -> None:
        return


class EndlessDoorbell(MemoryDoorbell):
    """A doorbell whose wait ignores its timeout and ends only with a ring."""

    async def wait(self, timeout: timedelta, listener: Listener = Listener.WORKERS) -> None:
        await super().wait(timedelta(hours=1), listener)


class IdleBlobStore(MemoryBlobStore):
    """A blob store whose write never reads its input."""

    async def write(self, key: str, chunks: AsyncIterator[bytes]) -> BlobFacts:
        await asyncio.Event().wait()
        raise AssertionError


@pytest.fixture
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "MAX_WAIT", 0.05)


def test_a_suite_waits_a_few_seconds() -> None:
    assert bounds.MAX_WAIT <= 30


@pytest.mark.usefixtures("short_waits")
@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    ("case", "doorbell"),
    [
        pytest.param(doorbell.test_a_ring_wakes_a_waiting_worker, SilentDoorbell(), id="wakes"),
        pytest.param(
            doorbell.test_a_ring_with_no_waiter_wakes_the_next_waiter, SilentDoorbell(), id="is_kept"
        ),
        pytest.param(doorbell.test_many_rings_raise_nothing, SilentDoorbell(), id="many"),
        pytest.param(doorbell.test_a_wait_without_a_ring_ends_at_its_timeout, EndlessDoorbell(), id="ends"),
    ],
)
async def test_a_doorbell_that_never_rings_fails_the_suite(
    case: Callable[[Doorbell], Awaitable[None]], doorbell: Doorbell
) -> None:
    with pytest.raises(TimeoutError):
        await case(doorbell)


@pytest.mark.usefixtures("short_waits")
@pytest.mark.timeout(20)
async def test_a_store_that_reads_nothing_fails_the_suite() -> None:
    with pytest.raises(TimeoutError):
        await blobs.test_a_cancelled_write_leaves_nothing(IdleBlobStore())
