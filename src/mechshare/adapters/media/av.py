"""Processing clips with FFmpeg's libraries (PyAV), each in a confined process of its own."""

import asyncio
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

import structlog

from mechshare.adapters.media.limits import MediaLimits
from mechshare.domain.media import FailureCode, MediaFacts, MediaFormat, ProcessingFailure
from mechshare.ports.media import Derivatives, MediaRejected

_CHILD = "mechshare.adapters.media.child"
_LINE = 64 * 1024
_LAST_WORDS = 2_000
_PASSING = (FailureCode.CRASHED, FailureCode.TIMED_OUT, FailureCode.OUT_OF_MEMORY)
"""What may go better another time: the machine was busy, or somebody ended the process."""
_log = structlog.get_logger("mechshare.media")

Progress = Callable[[str, float], Awaitable[None]]


class AvMediaProcessor:
    """A stranger's file is opened only in a child process: without sockets, in a private folder, as the one format its
    content showed, within MediaLimits. Whatever happens there, this process goes on."""

    def __init__(self, limits: MediaLimits | None = None) -> None:
        self._limits = limits or MediaLimits()

    async def process(self, source: Path, format: MediaFormat, into: Path, progress: Progress) -> Derivatives:
        with tempfile.TemporaryDirectory(dir=into, prefix="child-") as folder:
            made = await self._ask_child(source, format, Path(folder), progress)
            for name in ("thumbnail.webp", "video.mp4", "preview.webp"):
                await asyncio.to_thread(shutil.move, Path(folder) / name, into / name)
        size, digest = await asyncio.to_thread(_size_and_digest, source)
        return Derivatives(
            facts=MediaFacts(**made, size=size, sha256=digest),
            thumbnail=into / "thumbnail.webp",
            video=into / "video.mp4",
            preview=into / "preview.webp",
        )

    async def _ask_child(
        self, source: Path, format: MediaFormat, folder: Path, progress: Progress
    ) -> dict[str, Any]:
        task = _task(source, format, folder, self._limits)
        child = await _start(folder)
        try:
            async with asyncio.timeout(self._limits.wall_seconds):
                return await _converse(child, task, progress)
        except TimeoutError as late:
            raise _rejected(FailureCode.TIMED_OUT, "wall clock") from late
        finally:
            await _end(child)


def _task(source: Path, format: MediaFormat, folder: Path, limits: MediaLimits) -> dict[str, Any]:
    return {
        "source": str(source.absolute()),
        "format": format.value,
        "into": str(folder.absolute()),
        "limits": asdict(limits),
    }


async def _start(folder: Path) -> asyncio.subprocess.Process:
    """The child in a session of its own, so that it can be ended with whatever it might have started."""
    environ = {
        "LANG": "C.UTF-8",
        "MALLOC_ARENA_MAX": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "TMPDIR": str(folder),
    }
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",
        "-B",
        "-m",
        _CHILD,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=folder,
        env=environ,
        start_new_session=True,
        limit=_LINE,
    )


async def _converse(
    child: asyncio.subprocess.Process, task: dict[str, Any], progress: Progress
) -> dict[str, Any]:
    """Hands over the task and listens until the child has told the outcome, or ended without one."""
    if child.stdin is None or child.stdout is None or child.stderr is None:
        raise RuntimeError("the child was started without its pipes")
    complaints = asyncio.create_task(_last_words(child.stderr))
    try:
        with suppress(BrokenPipeError, ConnectionResetError):  # it ended at once; its exit status tells why
            child.stdin.write(json.dumps(task).encode() + b"\n")
            await child.stdin.drain()
        while line := await child.stdout.readline():
            told: dict[str, Any] = json.loads(line)
            if "step" in told:
                await progress(told["step"], told["fraction"])
            elif "refused" in told:
                raise _rejected(FailureCode(told["refused"]), told["detail"])
            elif "made" in told:
                made: dict[str, Any] = told["made"]
                return made
            elif not told.get("confined", True):
                _log.warning("media_child_without_call_filter", platform=sys.platform)
        raise _ended(await child.wait(), await complaints)
    finally:
        complaints.cancel()
        await asyncio.gather(complaints, return_exceptions=True)


async def _last_words(stream: asyncio.StreamReader) -> str:
    """The end of what the child complained of; however much it is, little is kept."""
    kept = b""
    while chunk := await stream.read(_LINE):
        kept = (kept + chunk)[-_LAST_WORDS:]
    return kept.decode("utf-8", "replace")


def _ended(status: int, complaints: str) -> MediaRejected:
    if status == -signal.SIGXCPU:
        return _rejected(FailureCode.TIMED_OUT, "processor time")
    if "MemoryError" in complaints or "Cannot allocate memory" in complaints:
        return _rejected(FailureCode.OUT_OF_MEMORY, complaints[-200:])
    _log.error("media_child_crashed", status=status, complaints=complaints)
    return _rejected(FailureCode.CRASHED, f"exit status {status}")


def _rejected(code: FailureCode, detail: str) -> MediaRejected:
    return MediaRejected(ProcessingFailure(code=code, detail=detail), permanent=code not in _PASSING)


async def _end(child: asyncio.subprocess.Process) -> None:
    """Makes sure that nothing of the child is left."""
    if child.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
    await asyncio.shield(child.wait())


def _size_and_digest(path: Path) -> tuple[int, str]:
    digest = sha256()
    size = 0
    with path.open("rb") as file:
        while chunk := file.read(_LINE * 16):
            digest.update(chunk)
            size += len(chunk)
    return size, digest.hexdigest()
