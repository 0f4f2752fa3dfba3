"""One child process waits for the next file: it is used once, replaced, and ended with the process that started it."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from mechshare.adapters.media import spare_child
from mechshare.adapters.media.av import AvMediaProcessor
from mechshare.adapters.media.budget import TimeBudget
from mechshare.adapters.media.child_process import ChildProcess
from mechshare.adapters.media.limits import MediaLimits
from mechshare.domain.media import FailureCode, MediaFormat
from mechshare.ports.media import MediaRejected
from tests.adapters.media.conftest import ignore_progress
from tests.adapters.media.test_child import children_of, is_gone, is_running
from tests.adapters.media.test_confinement import DECODER, stand_in  # noqa: F401
from tests.clips import write_clip

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")


@pytest.fixture
def clip(tmp_path):
    return write_clip(tmp_path / "clip.gif", [100] * 2)


@asynccontextmanager
async def prepared(media: AvMediaProcessor) -> AsyncIterator[None]:
    keeping = asyncio.create_task(media.keep_ready())
    try:
        yield
    finally:
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping


@pytest.fixture
def waiting_child(monkeypatch):
    """Returns a function that returns the one child of this process once `count` children have been started."""
    started, start = [], ChildProcess.start

    async def noted():
        started.append(await start())
        return started[-1]

    async def waiting_child(count):
        async with asyncio.timeout(60):
            while len(started) < count:  # noqa: ASYNC110 - `started` is a list
                await asyncio.sleep(0.01)
        [child] = children_of(os.getpid())
        return child

    monkeypatch.setattr(ChildProcess, "start", noted)
    return waiting_child


async def test_a_child_handles_one_file_and_is_replaced(clip, into, waiting_child):
    media, seen = AvMediaProcessor(), set()

    async def see(step, fraction):
        seen.update(children_of(os.getpid()))

    async with prepared(media):
        first = await waiting_child(1)
        made = await media.process(clip, MediaFormat.GIF, into, see)
        second = await waiting_child(2)

    assert made.facts.frame_count == 2
    assert seen == {first}
    assert first != second
    assert not is_running(first)
    assert not is_running(second)


async def test_files_at_the_same_time_have_a_child_each(clip, into, waiting_child):
    media = AvMediaProcessor()
    folders = [into / "first", into / "second"]
    for folder in folders:
        folder.mkdir()

    async with prepared(media):
        await waiting_child(1)
        made = await asyncio.gather(
            *(media.process(clip, MediaFormat.GIF, folder, ignore_progress) for folder in folders)
        )

    assert [one.facts.frame_count for one in made] == [2, 2]
    assert children_of(os.getpid()) == []


async def test_a_child_that_dies_while_it_waits_is_replaced_and_logged(
    clip, into, waiting_child, monkeypatch
):
    monkeypatch.setattr(spare_child, "_PAUSE", 0)
    media = AvMediaProcessor()

    with capture_logs() as logged:
        async with prepared(media):
            os.kill(await waiting_child(1), signal.SIGKILL)
            await waiting_child(2)
            made = await media.process(clip, MediaFormat.GIF, into, ignore_progress)

    assert made.facts.frame_count == 2
    assert [(entry["event"], entry["status"]) for entry in logged] == [("media_child_crashed", -9)]


async def test_no_child_waits_unless_it_is_asked_for(clip, into):
    await AvMediaProcessor().process(clip, MediaFormat.GIF, into, ignore_progress)

    assert children_of(os.getpid()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="the sandbox needs Linux")
async def test_a_child_that_waited_is_confined_like_any_other(
    clip,
    into,
    stand_in,  # noqa: F811
    waiting_child,
):
    stand_in(DECODER.format("open('/etc/passwd')"), "mechshare.adapters.media.child")
    media = AvMediaProcessor()

    async with prepared(media):
        await waiting_child(1)
        with pytest.raises(MediaRejected) as refusal:
            await media.process(clip, MediaFormat.GIF, into, ignore_progress)

    assert refusal.value.failure.code is FailureCode.FORBIDDEN_CALL
    assert list(into.iterdir()) == []


def test_a_waiting_child_does_not_outlive_its_parent():
    program = (
        "import asyncio\n"
        "from mechshare.adapters.media.av import AvMediaProcessor\n"
        "asyncio.run(AvMediaProcessor().keep_ready())\n"
    )
    with subprocess.Popen([sys.executable, "-c", program]) as parent:
        while not (children := children_of(parent.pid)):
            assert parent.poll() is None
        parent.kill()

    assert is_gone(children[0])


@pytest.mark.skipif(
    not Path("/proc/self/schedstat").exists(), reason="this system does not say the time used"
)
def test_the_time_that_a_process_used_before_its_task_does_not_count():
    limits = MediaLimits(base_cpu_seconds=0.05, base_wall_seconds=60)
    assert sum(os.times()[:2]) > 0.05

    assert TimeBudget(limits, os.getpid()).exceeded() is None
