"""The parent's side of a task that a child process works on: its progress, its questions, its time, its result."""

import asyncio
import json
import signal
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NoReturn

import structlog

from mechshare.adapters.media.budget import TimeBudget
from mechshare.adapters.media.limits import MediaLimits
from mechshare.adapters.media.motion import LoopResponder
from mechshare.adapters.media.sandbox import Confinement
from mechshare.adapters.media.system_calls import name_of
from mechshare.domain.errors import DependencyUnavailable, StorageFull
from mechshare.domain.media import AudioFacts, FailureCode, ProcessingFailure
from mechshare.ports.media import MediaRejected, Progress

MAX_LINE_BYTES = 64 * 1024
_WATCH_INTERVAL = 0.2
"""Seconds between two checks of the time that the child has used."""
_MAX_STDERR_BYTES = 2_000
_TRANSIENT = (FailureCode.CRASHED,)
"""Failures worth a retry: something killed the process. A clip that used up its CPU time would do so again."""
_CODES = frozenset(code.value for code in FailureCode)
_log = structlog.get_logger("mechshare.media")


class RunningTask:
    """A task that the child `process` has, whose time begins now. `confinement` says which layers protect from the
    file, once the child has said so."""

    def __init__(
        self, process: asyncio.subprocess.Process, channel: socket.socket, limits: MediaLimits
    ) -> None:
        self._process = process
        self._channel = channel
        self._budget = TimeBudget(limits, process.pid)
        self.confinement: Confinement | None = None

    async def result(self, progress: Progress, motion: LoopResponder) -> dict[str, Any]:
        """Passes the progress of the task on, lets `motion` see the clip, and returns the facts.

        Raises StorageFull, DependencyUnavailable if the child can't be confined, and MediaRejected also if the child
        ends without a result or uses up its time.
        """
        watch = asyncio.create_task(self._watch_time())
        work = asyncio.create_task(self._exchange(progress, motion))
        try:
            await asyncio.wait((watch, work), return_when=asyncio.FIRST_COMPLETED)
            return await (work if work.done() else watch)
        finally:
            for each in (watch, work):
                each.cancel()
            await asyncio.gather(watch, work, return_exceptions=True)

    async def _watch_time(self) -> NoReturn:
        """Raises MediaRejected as soon as the child has used up its time."""
        while (bound := self._budget.exceeded()) is None:  # noqa: ASYNC110 - time passes without an event
            await asyncio.sleep(_WATCH_INTERVAL)
        failure = ProcessingFailure(code=FailureCode.TIMED_OUT, detail=bound)
        # The machine may have been busy, or the process suspended; the work of the clip stays the same.
        raise MediaRejected(failure, permanent=self._budget.is_exhausted_by_work)

    async def _exchange(self, progress: Progress, motion: LoopResponder) -> dict[str, Any]:
        stdout, stderr = self._process.stdout, self._process.stderr
        if stdout is None or stderr is None:
            raise RuntimeError("the child was started without its pipes")
        tail = asyncio.create_task(stderr_tail(stderr))
        try:
            while message := await _next_message(stdout):
                if motion.is_question(message):
                    await self._send(await motion.reply(message))
                    continue
                measurements = await self._handle(message, progress)
                if measurements is not None:
                    return measurements
            raise _ended(await self._process.wait(), await tail)
        finally:
            tail.cancel()
            await asyncio.gather(tail, return_exceptions=True)

    async def _send(self, line: bytes) -> None:
        with suppress(BrokenPipeError, ConnectionResetError):  # if it has ended, its exit status says why
            await asyncio.get_running_loop().sock_sendall(self._channel, line)

    async def _handle(self, message: Any, progress: Progress) -> dict[str, Any] | None:
        """Handles a message. Returns the facts if it contains them, otherwise None.

        Raises MediaRejected, StorageFull, DependencyUnavailable.
        """
        match message:
            case {"step": str(step), "fraction": float() | int() as fraction, **work}:
                self._grant(work)
                await progress(step, fraction)
            case {"refused": str(code), "detail": str(detail)} if code in _CODES:
                raise _refused(FailureCode(code), detail)
            case {
                "made": {
                    "width": int(),
                    "height": int(),
                    "duration_ms": int(),
                    "frame_count": int(),
                    "frame_rate": float() | int(),
                    "codec": str(),
                    "audio": audio,
                    **more,
                } as made
            } if not more:
                return {**made, "audio": _audio(audio)}
            case {"drawn": True} | {"copied": True} | {"analysed": True}:
                return {}
            case {
                "made": {
                    "width": int(),
                    "height": int(),
                    "page_count": int() | None,
                    "codec": str(),
                    **more,
                } as made
            } if not more:
                return dict(made)
            case {"full": True}:
                raise StorageFull()
            case {"confined": {"call_filter": bool(calls), "landlock": int(version), "user": int(user)}}:
                self.confinement = Confinement(call_filter=calls, landlock=version, user=user)
            case {"unconfined": str(reason)}:
                raise DependencyUnavailable(dependency="media process") from RuntimeError(reason)
            case {"forbidden_call": int(number)}:
                raise _forbidden(name_of(number))
            case _:
                raise rejected(FailureCode.CRASHED, "its message is unknown")
        return None

    def _grant(self, work: Mapping[Any, Any]) -> None:
        match work:
            case {"pixels": int(pixels), "frames": int(frames)}:
                self._budget.add(pixels, frames)


async def _next_message(stream: asyncio.StreamReader) -> Any:
    """Returns the next message, or None at the end. Raises MediaRejected unless it is a line of JSON: a compromised
    child may send anything."""
    try:
        line = await stream.readline()
        return json.loads(line) if line else None
    except ValueError as malformed:
        raise rejected(FailureCode.CRASHED, "its message is not JSON") from malformed


async def stderr_tail(stream: asyncio.StreamReader) -> str:
    """Returns the last _MAX_STDERR_BYTES bytes of the child's error output. Memory use is bounded."""
    tail = b""
    while chunk := await stream.read(MAX_LINE_BYTES):
        tail = (tail + chunk)[-_MAX_STDERR_BYTES:]
    return tail.decode("utf-8", "replace")


def _ended(status: int, stderr: str) -> MediaRejected:
    if status == -signal.SIGXCPU:
        return rejected(FailureCode.TIMED_OUT, "processor time")
    if status == -signal.SIGSYS:
        return _forbidden("a call that the child could not name")
    if "MemoryError" in stderr or "Cannot allocate memory" in stderr:
        return rejected(FailureCode.OUT_OF_MEMORY, stderr[-200:])
    _log.error("media_child_crashed", status=status, stderr=stderr)
    return rejected(FailureCode.CRASHED, f"exit status {status}")


def _audio(message: Any) -> AudioFacts | None:
    """Returns the facts of the sound. Raises MediaRejected: a compromised child may send anything."""
    match message:
        case None:
            return None
        case {"codec": str(codec), "channels": int(channels), "sample_rate": int(rate), **more} if not more:
            return AudioFacts(codec=codec, channels=channels, sample_rate=rate)
        case _:
            raise rejected(FailureCode.CRASHED, "its message is unknown")


def _refused(code: FailureCode, detail: str) -> MediaRejected:
    return _forbidden(detail) if code is FailureCode.FORBIDDEN_CALL else rejected(code, detail)


def _forbidden(call: str) -> MediaRejected:
    _log.error("media_child_forbidden_call", call=call)
    return rejected(FailureCode.FORBIDDEN_CALL, call)


def rejected(code: FailureCode, detail: str) -> MediaRejected:
    return MediaRejected(ProcessingFailure(code=code, detail=detail), permanent=code not in _TRANSIENT)
