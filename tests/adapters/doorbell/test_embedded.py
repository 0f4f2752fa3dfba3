"""A doorbell between processes: who hears it, and what the dead leave behind."""

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

FOREVER = timedelta(hours=1)
NOT_AT_ALL = timedelta(0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "run" / "bells"


@pytest.fixture
async def bell(folder: Path) -> AsyncIterator[EmbeddedDoorbell]:
    opened = EmbeddedDoorbell(folder)
    yield opened
    await opened.close()


@pytest.fixture
async def other(folder: Path) -> AsyncIterator[EmbeddedDoorbell]:
    opened = EmbeddedDoorbell(folder)
    yield opened
    await opened.close()


async def test_a_ring_is_heard_by_the_others(bell: EmbeddedDoorbell, other: EmbeddedDoorbell) -> None:
    waiting = asyncio.create_task(other.wait(FOREVER))
    await asyncio.sleep(0)
    await bell.ring()
    await asyncio.wait_for(waiting, 10)


async def test_a_ring_between_two_waits_is_heard_by_the_second(
    bell: EmbeddedDoorbell, other: EmbeddedDoorbell
) -> None:
    await other.wait(NOT_AT_ALL)
    await bell.ring()
    await asyncio.wait_for(other.wait(FOREVER), 10)


async def test_one_ring_is_not_heard_for_ever(bell: EmbeddedDoorbell, other: EmbeddedDoorbell) -> None:
    await other.wait(NOT_AT_ALL)
    await bell.ring()
    await asyncio.wait_for(other.wait(FOREVER), 10)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(other.wait(FOREVER), 0.1)


async def test_more_rings_than_a_bell_can_hold_are_no_trouble(
    bell: EmbeddedDoorbell, other: EmbeddedDoorbell, folder: Path
) -> None:
    await other.wait(NOT_AT_ALL)
    (path,) = folder.glob("*.bell")
    filler = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(filler, b"!" * 4096)
    os.close(filler)

    with capture_logs() as logs:
        await bell.ring()

    assert logs == []
    await asyncio.wait_for(other.wait(FOREVER), 10)


async def test_closing_takes_the_bell_down_and_nobody_elses(
    bell: EmbeddedDoorbell, other: EmbeddedDoorbell, folder: Path
) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    await bell.wait(NOT_AT_ALL)
    await other.wait(NOT_AT_ALL)
    assert len(list(folder.iterdir())) == 2

    await bell.close()
    assert len(list(folder.iterdir())) == 1
    await other.close()
    assert list(folder.iterdir()) == []
    assert len(list(Path("/proc/self/fd").iterdir())) == before


async def test_who_only_rings_hangs_no_bell(bell: EmbeddedDoorbell, folder: Path) -> None:
    await bell.ring()
    assert not folder.exists()


async def test_one_broken_bell_does_not_keep_the_others_from_ringing(
    bell: EmbeddedDoorbell, other: EmbeddedDoorbell, folder: Path
) -> None:
    await other.wait(NOT_AT_ALL)
    (folder / "0-broken.bell").mkdir()
    (folder / "z-broken.bell").mkdir()

    with capture_logs() as logs:
        await bell.ring()

    assert [log["event"] for log in logs] == ["doorbell_unavailable"] * 2
    await asyncio.wait_for(other.wait(FOREVER), 10)


async def test_without_a_folder_it_is_deaf_says_so_once_and_waits_its_time(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    bell = EmbeddedDoorbell(tmp_path / "file" / "bells")
    with capture_logs() as logs:
        for _ in range(3):
            await bell.wait(NOT_AT_ALL)
        await bell.ring()
        await bell.wait(FOREVER)
    assert [log["event"] for log in logs] == ["doorbell_unavailable"]
    await bell.close()


LISTENER = """
import asyncio, sys
from datetime import timedelta
from pathlib import Path
from mechshare.adapters.doorbell.embedded import EmbeddedDoorbell

async def main():
    bell = EmbeddedDoorbell(Path(sys.argv[1]))
    await bell.wait(timedelta(0))
    while True:
        print("waiting", flush=True)
        await bell.wait(timedelta(hours=1))
        print("heard", flush=True)

asyncio.run(main())
"""


async def listener(folder: Path) -> asyncio.subprocess.Process:
    """A process that waits at the door."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", LISTENER, str(folder), stdout=asyncio.subprocess.PIPE
    )
    assert await said(process) == b"waiting"
    return process


async def said(process: asyncio.subprocess.Process) -> bytes:
    assert process.stdout is not None
    return (await asyncio.wait_for(process.stdout.readline(), 30)).strip()


async def test_every_process_hears_every_ring(bell: EmbeddedDoorbell, folder: Path) -> None:
    processes = [await listener(folder) for _ in range(2)]
    for _ in range(20):
        await bell.ring()
        for process in processes:
            assert [await said(process), await said(process)] == [b"heard", b"waiting"]
    for process in processes:
        process.kill()
        await process.wait()


async def test_the_bell_of_a_killed_process_is_taken_down_by_the_next_ring(
    bell: EmbeddedDoorbell, other: EmbeddedDoorbell, folder: Path
) -> None:
    process = await listener(folder)
    await other.wait(NOT_AT_ALL)
    assert len(list(folder.glob("*.bell"))) == 2
    process.send_signal(signal.SIGKILL)
    await process.wait()

    with capture_logs() as logs:
        await bell.ring()

    assert logs == []
    assert [path.name.split("-")[0] for path in folder.iterdir()] == [str(os.getpid())]
    await asyncio.wait_for(other.wait(FOREVER), 10)


async def test_a_place_where_no_bell_can_hang_is_told(tmp_path: Path) -> None:
    (tmp_path / "bells").write_text("in the way")
    with pytest.raises(Unavailable):
        await EmbeddedDoorbell(tmp_path / "bells").check()
