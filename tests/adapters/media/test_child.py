"""The sandbox process may be killed or misbehave: its parent keeps running and reports what happened."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mechshare.adapters.media.child_process import open_files
from mechshare.adapters.media.limits import MediaLimits
from mechshare.adapters.media.names import PREVIEW, THUMBNAIL, VIDEO
from mechshare.adapters.media.task_channel import send_task
from mechshare.adapters.media.tasks import Task
from mechshare.domain.media import FailureCode, MediaFormat
from mechshare.ports.media import MediaRejected
from tests.adapters.media import hostile
from tests.clips import write_clip

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")


@pytest.fixture
def slow_clip(tmp_path):
    """A small file that keeps a processor busy for long."""
    path = tmp_path / "slow_clip.gif"
    path.write_bytes(hostile.gif(2000, 2000, 3700, 2))
    return path


def children_of(parent: int) -> list[int]:
    """Returns the sandbox processes of `parent`."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            after_name = stat.read_text().rpartition(")")[2].split()
            command = (stat.parent / "cmdline").read_bytes()
        except OSError:
            continue
        if int(after_name[1]) == parent and b"mechshare.adapters.media.child" in command:
            found.append(int(stat.parent.name))
    return found


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def is_gone(pid: int) -> bool:
    """Returns whether the process ends within a short wait."""
    for _ in range(1000):
        if not is_running(pid):
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize(
    ("limits", "code", "permanent"),
    [
        (MediaLimits(cpu_seconds=1, pixels=10**12), FailureCode.TIMED_OUT, True),
        (MediaLimits(wall_seconds=0.5, pixels=10**12), FailureCode.TIMED_OUT, False),
        (MediaLimits(memory=200 * 1024 * 1024), FailureCode.OUT_OF_MEMORY, True),
        (MediaLimits(file_size=20), FailureCode.RESULT_TOO_LARGE, True),
    ],
    ids=["processor", "wall", "memory", "file"],
)
async def test_a_child_that_exceeds_a_limit_is_killed(
    tmp_path, into, process, slow_clip, limits, code, permanent
):
    if limits.file_size < 100:
        slow_clip = write_clip(tmp_path / "short.gif", [100] * 3)

    with pytest.raises(MediaRejected) as refusal:
        await process(slow_clip, limits)

    assert (refusal.value.failure.code, refusal.value.permanent) == (code, permanent)
    assert children_of(os.getpid()) == []
    assert list(into.iterdir()) == []


def made_with(clip: Path, into: Path, **environment: str) -> list[bytes]:
    into.mkdir()
    command = [sys.executable, "-I", "-m", "mechshare.adapters.media.child"]
    ours, theirs = socket.socketpair()
    with theirs:
        with ours, open_files(clip, into) as files:
            send_task(ours, Task(MediaFormat.MP4, MediaLimits()).message(), files)
        subprocess.run(command, stdin=theirs.fileno(), env=environment, check=True, stdout=subprocess.DEVNULL)
    return [(into / name).read_bytes() for name in (VIDEO, THUMBNAIL, PREVIEW)]


def test_derivatives_do_not_depend_on_uninitialised_memory(tmp_path):
    clip = write_clip(tmp_path / "clip.mp4", [40] * 60, size=(480, 360))

    made = made_with(clip, tmp_path / "as-it-is")

    for held in ("1", "170"):  # glibc fills allocated memory with these bytes
        assert made_with(clip, tmp_path / held, MALLOC_PERTURB_=held) == made


async def test_a_minute_of_video_needs_less_memory_than_its_decoded_frames(tmp_path, process):
    width, height, frames = 640, 480, 600
    limits = MediaLimits(memory=384 * 1024 * 1024)
    minute = tmp_path / "minute.gif"
    minute.write_bytes(hostile.gif(width, height, frames, 10))
    assert limits.memory < 3 * width * height * frames

    made = await process(minute, limits)

    assert (made.facts.frame_count, made.facts.duration_ms) == (frames, 60_000)


@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM])
async def test_the_failure_of_a_killed_child_is_not_permanent(into, process, slow_clip, by):
    killed = []

    async def kill(step, fraction):
        if not killed:
            killed.extend(children_of(os.getpid()))
            os.kill(killed[0], by)

    with pytest.raises(MediaRejected) as refusal:
        await process(slow_clip, progress=kill)

    assert (refusal.value.failure.code, refusal.value.permanent) == (FailureCode.CRASHED, False)
    assert str(by.value) in refusal.value.failure.detail
    assert not is_running(killed[0])
    assert list(into.iterdir()) == []


async def test_cancelling_kills_the_child(into, process, slow_clip):
    begun = asyncio.Event()

    async def begin(step, fraction):
        begun.set()

    task = asyncio.create_task(process(slow_clip, progress=begin))
    await begun.wait()
    [child] = children_of(os.getpid())
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert not is_running(child)
    assert list(into.iterdir()) == []


async def test_a_suspended_child_is_killed_too(into, process, slow_clip):
    stopped = []

    async def stop(step, fraction):
        if not stopped:
            stopped.extend(children_of(os.getpid()))
            os.kill(stopped[0], signal.SIGSTOP)

    with pytest.raises(MediaRejected) as refusal:
        await process(slow_clip, MediaLimits(wall_seconds=5), progress=stop)

    assert refusal.value.failure.code is FailureCode.TIMED_OUT
    assert not is_running(stopped[0])
    assert list(into.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel tells children of a death on Linux alone")
def test_the_child_does_not_outlive_its_parent(into, slow_clip):
    program = (
        "import asyncio, sys; from pathlib import Path\n"
        "from mechshare.adapters.media.av import AvMediaProcessor\n"
        "from mechshare.domain.media import MediaFormat\n"
        "async def tell(step, fraction): print(step, flush=True)\n"
        "asyncio.run(AvMediaProcessor().process("
        "Path(sys.argv[1]), MediaFormat.GIF, Path(sys.argv[2]), tell))\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(slow_clip), str(into)], stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"decode\n"
        [child] = children_of(parent.pid)
        parent.kill()

    assert is_gone(child)


MADE = '{"made": {"width": 1, "height": 1, "duration_ms": 1, "frame_count": 1, "frame_rate": 1.0, "codec": "gif"}}'


@pytest.mark.parametrize(
    "saying",
    [
        "echo hello",
        "echo null",
        "echo '[1]'",
        'echo \'{"made": {"width": "<script>"}}\'',
        'echo \'{"refused": "because", "detail": ""}\'',
        'echo \'{"step": 1, "fraction": "x"}\'',
        "head -c 200000 /dev/zero",
        "yes | head -c 3000000 >&2; exit 3",
        f"echo '{MADE}'",
        f"touch thumbnail.webp video.mp4 preview; echo '{MADE}'",
        f"for n in thumbnail.webp video.mp4 preview; do ln -sf $SECRET $n; done; echo '{MADE}'",
        f"for n in thumbnail.webp video.mp4 preview; do echo '<html>' > $n; done; echo '{MADE}'",
    ],
)
async def test_the_output_of_a_compromised_child_is_rejected(tmp_path, into, process, monkeypatch, saying):
    clip = write_clip(tmp_path / "clip.gif", [100] * 2)
    impostor = tmp_path / "impostor"
    impostor.write_text(f"#!/bin/sh\nread task\nSECRET={clip}\ncd {into}/child-*\n{saying}\n")
    impostor.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(impostor))

    with pytest.raises(MediaRejected) as refusal:
        await process(clip, format=MediaFormat.GIF)

    assert (refusal.value.failure.code, refusal.value.permanent) == (FailureCode.CRASHED, False)
    assert len(str(refusal.value)) < 3000
    assert list(into.iterdir()) == []
