"""The doorbell between processes of one machine: who hears a ring, and how FIFOs of killed processes are removed."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from mechshare.adapters.doorbell.embedded import EmbeddedDoorbell
from mechshare.domain.errors import Unavailable
from mechshare.domain.jobs import Listener

FOREVER = timedelta(hours=1)
NOT_AT_ALL = timedelta(0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "run" / "doorbell"


@pytest.fixture
async def doorbell(folder: Path) -> AsyncIterator[EmbeddedDoorbell]:
    opened = EmbeddedDoorbell(folder)
    yield opened
    await opened.close()


@pytest.fixture
async def other(folder: Path) -> AsyncIterator[EmbeddedDoorbell]:
    opened = EmbeddedDoorbell(folder)
    yield opened
    await opened.close()


async def test_a_ring_wakes_the_others(doorbell: EmbeddedDoorbell, other: EmbeddedDoorbell) -> None:
    waiting = asyncio.create_task(other.wait(FOREVER))
    await asyncio.sleep(0)
    await doorbell.ring()
    await asyncio.wait_for(waiting, 60)


async def test_an_idle_worker_of_the_process_that_rings_wakes_before_others_but_feeds_wake_at_once(
    doorbell: EmbeddedDoorbell, other: EmbeddedDoorbell
) -> None:
    order: list[str] = []

    async def wait(name: str, waiting: EmbeddedDoorbell, listener: Listener) -> None:
        await waiting.wait(FOREVER, listener)
        order.append(name)

    async with asyncio.timeout(60), asyncio.TaskGroup() as waits:
        waits.create_task(wait("other worker", other, Listener.WORKERS))
        waits.create_task(wait("other feed", other, Listener.FEEDS))
        waits.create_task(wait("own worker", doorbell, Listener.WORKERS))
        await asyncio.sleep(0)
        await doorbell.ring()

    assert order == ["own worker", "other feed", "other worker"]


async def test_a_ring_between_two_waits_ends_the_second(
    doorbell: EmbeddedDoorbell, other: EmbeddedDoorbell
) -> None:
    await other.wait(NOT_AT_ALL)
    await doorbell.ring()
    await asyncio.wait_for(other.wait(FOREVER), 60)


async def test_a_ring_ends_only_one_wait(doorbell: EmbeddedDoorbell, other: EmbeddedDoorbell) -> None:
    await other.wait(NOT_AT_ALL)
    await doorbell.ring()
    await asyncio.wait_for(other.wait(FOREVER), 60)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(other.wait(FOREVER), 0.1)


async def test_a_full_fifo_does_no_harm(
    doorbell: EmbeddedDoorbell, other: EmbeddedDoorbell, folder: Path
) -> None:
    await other.wait(NOT_AT_ALL)
    (path,) = folder.glob("*.fifo")
    filler = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(filler, b"!" * 4096)
    os.close(filler)

    with capture_logs() as logs:
        await doorbell.ring()

    assert logs == []
    await asyncio.wait_for(other.wait(FOREVER), 60)


async def test_closing_removes_only_its_own_fifo(
    doorbell: EmbeddedDoorbell, other: EmbeddedDoorbell, folder: Path
) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    await doorbell.wait(NOT_AT_ALL)
    await other.wait(NOT_AT_ALL)
    assert len(list(folder.iterdir())) == 2

    await doorbell.close()
    assert len(list(folder.iterdir())) == 1
    await other.close()
    assert list(folder.iterdir()) == []
    assert len(list(Path("/proc/self/fd").iterdir())) == before


async def test_ringing_alone_creates_no_fifo(doorbell: EmbeddedDoorbell, folder: Path) -> None:
    await doorbell.ring()
    assert not folder.exists()


async def test_a_broken_fifo_does_not_prevent_other_rings(
    doorbell: EmbeddedDoorbell, other: EmbeddedDoorbell, folder: Path
) -> None:
    await other.wait(NOT_AT_ALL)
    (folder / "0-broken.fifo").mkdir()
    (folder / "z-broken.fifo").mkdir()

    with capture_logs() as logs:
        await doorbell.ring()

    assert [log["event"] for log in logs] == ["doorbell_unavailable"] * 2
    await asyncio.wait_for(other.wait(FOREVER), 60)


async def test_without_a_folder_waits_time_out_and_one_warning_is_logged(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    doorbell = EmbeddedDoorbell(tmp_path / "file" / "doorbell")
    with capture_logs() as logs:
        for _ in range(3):
            await doorbell.wait(NOT_AT_ALL)
        await doorbell.ring()
        await doorbell.wait(FOREVER)
    assert [log["event"] for log in logs] == ["doorbell_unavailable"]
    await doorbell.close()


LISTENER = """
import asyncio, sys
from datetime import timedelta
from pathlib import Path
from mechshare.adapters.doorbell.embedded import EmbeddedDoorbell

async def main():
    doorbell = EmbeddedDoorbell(Path(sys.argv[1]))
    await doorbell.wait(timedelta(0))
    while True:
        print("waiting", flush=True)
        await doorbell.wait(timedelta(hours=1))
        print("rung", flush=True)

asyncio.run(main())
"""


async def listener(folder: Path) -> asyncio.subprocess.Process:
    """Returns a process that waits at the doorbell."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", LISTENER, str(folder), stdout=asyncio.subprocess.PIPE
    )
    assert await said(process) == b"waiting"
    return process


async def said(process: asyncio.subprocess.Process) -> bytes:
    assert process.stdout is not None
    return (await asyncio.wait_for(process.stdout.readline(), 30)).strip()


async def test_every_ring_wakes_every_process(doorbell: EmbeddedDoorbell, folder: Path) -> None:
    processes = [await listener(folder) for _ in range(2)]
    for _ in range(20):
        await doorbell.ring()
        for process in processes:
            assert [await said(process), await said(process)] == [b"rung", b"waiting"]
    for process in processes:
        process.kill()
        await process.wait()


async def test_the_fifo_of_a_killed_process_is_removed_by_the_next_ring(
    doorbell: EmbeddedDoorbell, other: EmbeddedDoorbell, folder: Path
) -> None:
    process = await listener(folder)
    await other.wait(NOT_AT_ALL)
    assert len(list(folder.glob("*.fifo"))) == 2
    process.send_signal(signal.SIGKILL)
    await process.wait()

    with capture_logs() as logs:
        await doorbell.ring()

    assert logs == []
    assert [path.name.split("-")[0] for path in folder.iterdir()] == [str(os.getpid())]
    await asyncio.wait_for(other.wait(FOREVER), 60)


async def test_a_folder_that_cannot_be_created_raises_unavailable(tmp_path: Path) -> None:
    (tmp_path / "doorbell").write_text("in the way")
    with pytest.raises(Unavailable):
        await EmbeddedDoorbell(tmp_path / "doorbell").check()
