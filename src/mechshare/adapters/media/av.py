"""Processes clips with FFmpeg's libraries (PyAV), each in a separate sandboxed process."""

import asyncio
import json
import os
import signal
import sys
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict
from hashlib import file_digest
from pathlib import Path
from typing import Any

import structlog

from mechshare.adapters.media.limits import MediaLimits
from mechshare.adapters.media.names import DERIVATIVES, PREVIEW, THUMBNAIL, VIDEO
from mechshare.domain.errors import StorageFull
from mechshare.domain.media import (
    SNIFF_BYTES,
    FailureCode,
    MediaFacts,
    MediaFormat,
    ProcessingFailure,
    sniff,
)
from mechshare.ports.media import Derivatives, MediaRejected

_CHILD = "mechshare.adapters.media.child"
_MAX_LINE_BYTES = 64 * 1024
_MAX_STDERR_BYTES = 2_000
_TRANSIENT = (FailureCode.CRASHED,)
"""Failures worth a retry: something killed the process. A clip that used up its CPU time would do so again."""
_CODES = frozenset(code.value for code in FailureCode)
_log = structlog.get_logger("mechshare.media")

Progress = Callable[[str, float], Awaitable[None]]


class AvMediaProcessor:
    """Opens untrusted files only in a child process without sockets, threads or other files, within MediaLimits.

    The child decodes the file only as the given format. This process survives any failure of the child. The same file
    gives the same bytes on the same kind of machine with the same releases of PyAV and Pillow.
    """

    def __init__(self, limits: MediaLimits | None = None) -> None:
        self._limits = limits or MediaLimits()

    async def process(self, source: Path, format: MediaFormat, into: Path, progress: Progress) -> Derivatives:
        with tempfile.TemporaryDirectory(dir=into, prefix="child-") as folder:
            measurements = await self._run_child(source, format, Path(folder), progress)
            size, digest = await asyncio.to_thread(_size_and_digest, source)
            facts = MediaFacts(**measurements, size=size, sha256=digest)
            _move_derivatives(Path(folder), into)
        return Derivatives(
            facts=facts, thumbnail=into / THUMBNAIL, video=into / VIDEO, preview=into / PREVIEW
        )

    async def _run_child(
        self, source: Path, format: MediaFormat, folder: Path, progress: Progress
    ) -> dict[str, Any]:
        task = _task(source, format, folder, self._limits)
        child = await _start(folder)
        try:
            async with asyncio.timeout(self._limits.wall_seconds) as clock:
                return await _exchange_messages(child, task, progress)
        except TimeoutError as timeout:
            if not clock.expired():
                raise
            failure = ProcessingFailure(code=FailureCode.TIMED_OUT, detail="wall clock")
            raise MediaRejected(failure, permanent=False) from timeout  # the machine may have been busy
        finally:
            await _end(child)


def _task(source: Path, format: MediaFormat, folder: Path, limits: MediaLimits) -> dict[str, Any]:
    return {
        "source": str(source.absolute()),
        "format": format.value,
        "into": str(folder.absolute()),
        "parent": os.getpid(),
        "limits": asdict(limits),
    }


async def _start(folder: Path) -> asyncio.subprocess.Process:
    """Starts the child in a new session, so that `_end` can kill it together with all processes that it started."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",
        "-m",
        _CHILD,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=folder,
        env={"LANG": "C.UTF-8", "MALLOC_ARENA_MAX": "1"},
        start_new_session=True,
        limit=_MAX_LINE_BYTES,
    )


async def _exchange_messages(
    child: asyncio.subprocess.Process, task: dict[str, Any], progress: Progress
) -> dict[str, Any]:
    """Sends the task, passes progress on, and returns the facts.

    Raises StorageFull, and MediaRejected also if the child ends without a result.
    """
    if child.stdin is None or child.stdout is None or child.stderr is None:
        raise RuntimeError("the child was started without its pipes")
    stderr = asyncio.create_task(_stderr_tail(child.stderr))
    try:
        with suppress(BrokenPipeError, ConnectionResetError):  # the child has ended; its exit status says why
            child.stdin.write(json.dumps(task).encode() + b"\n")
            await child.stdin.drain()
        while message := await _next_message(child.stdout):
            measurements = await _handle_message(message, progress)
            if measurements is not None:
                return measurements
        raise _ended(await child.wait(), await stderr)
    finally:
        stderr.cancel()
        await asyncio.gather(stderr, return_exceptions=True)


async def _next_message(stream: asyncio.StreamReader) -> Any:
    """Returns the next message, or None at the end. Raises MediaRejected unless it is a line of JSON: a compromised
    child may send anything."""
    try:
        line = await stream.readline()
        return json.loads(line) if line else None
    except ValueError as malformed:
        raise _rejected(FailureCode.CRASHED, "its message is not JSON") from malformed


async def _handle_message(message: Any, progress: Progress) -> dict[str, Any] | None:
    """Handles a message. Returns the facts if it contains them, otherwise None. Raises MediaRejected, StorageFull."""
    match message:
        case {"step": str(step), "fraction": float() | int() as fraction}:
            await progress(step, fraction)
        case {"refused": str(code), "detail": str(detail)} if code in _CODES:
            raise _rejected(FailureCode(code), detail)
        case {
            "made": {
                "width": int(),
                "height": int(),
                "duration_ms": int(),
                "frame_count": int(),
                "frame_rate": float() | int(),
                "codec": str(),
                **more,
            } as made
        } if not more:
            return dict(made)
        case {"full": True}:
            raise StorageFull()
        case {"confined": True}:
            pass
        case {"confined": False}:
            _log.warning("media_child_without_call_filter", platform=sys.platform)
        case _:
            raise _rejected(FailureCode.CRASHED, "its message is unknown")
    return None


async def _stderr_tail(stream: asyncio.StreamReader) -> str:
    """Returns the last _MAX_STDERR_BYTES bytes of the child's error output. Memory use is bounded."""
    tail = b""
    while chunk := await stream.read(_MAX_LINE_BYTES):
        tail = (tail + chunk)[-_MAX_STDERR_BYTES:]
    return tail.decode("utf-8", "replace")


def _ended(status: int, stderr: str) -> MediaRejected:
    if status == -signal.SIGXCPU:
        return _rejected(FailureCode.TIMED_OUT, "processor time")
    if "MemoryError" in stderr or "Cannot allocate memory" in stderr:
        return _rejected(FailureCode.OUT_OF_MEMORY, stderr[-200:])
    _log.error("media_child_crashed", status=status, stderr=stderr)
    return _rejected(FailureCode.CRASHED, f"exit status {status}")


def _rejected(code: FailureCode, detail: str) -> MediaRejected:
    return MediaRejected(ProcessingFailure(code=code, detail=detail), permanent=code not in _TRANSIENT)


async def _end(child: asyncio.subprocess.Process) -> None:
    """Kills the child's process group if the child still runs, waits for it, and discards its remaining output."""
    if child.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
    if child.stdin is not None:
        child.stdin.close()
    await asyncio.shield(child.communicate())


def _move_derivatives(folder: Path, into: Path) -> None:
    """Moves the derivatives out of the child's folder. Raises MediaRejected if one is missing or has a wrong format."""
    for name, format in DERIVATIVES.items():
        try:
            with os.fdopen(os.open(folder / name, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
                sniffed = sniff(file.read(SNIFF_BYTES))
        except OSError as missing:
            raise _rejected(FailureCode.CRASHED, f"{name} can't be read") from missing
        if sniffed is not format:
            raise _rejected(FailureCode.CRASHED, f"{name} is no {format.value}")
    for name in DERIVATIVES:
        (folder / name).replace(into / name)


def _size_and_digest(path: Path) -> tuple[int, str]:
    with path.open("rb") as file:
        return os.fstat(file.fileno()).st_size, file_digest(file, "sha256").hexdigest()
