"""The parent's side of the child process: starts it, hands it its task and the files, ends it."""

import asyncio
import errno
import os
import signal
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import structlog

from mechshare.adapters.media.motion import LoopResponder
from mechshare.adapters.media.names import (
    COPY,
    GREY,
    PAGES,
    PHASES,
    PICTURE,
    PREVIEW,
    TEXTS,
    THUMBNAIL,
    VIDEO,
)
from mechshare.adapters.media.running_task import MAX_LINE_BYTES, RunningTask, stderr_tail
from mechshare.adapters.media.sandbox import Confinement
from mechshare.adapters.media.task_channel import send_task
from mechshare.adapters.media.tasks import Task
from mechshare.domain.errors import StorageFull
from mechshare.ports.media import Progress

_CHILD = "mechshare.adapters.media.child"
_ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
ENVIRONMENT: Mapping[str, str] = {
    "LANG": "C.UTF-8",
    "MALLOC_ARENA_MAX": "1",
    **dict.fromkeys(_ONE_THREAD, "1"),
}
"""All environment variables of the child. A thread that NumPy's libraries start would not be in the sandbox."""
_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL
_log = structlog.get_logger("mechshare.media")


@contextmanager
def open_files(source: Path, folder: Path) -> Iterator[dict[str, int]]:
    """Opens the files of one child: the clip, and the new outputs in `folder`. Yields descriptors by their roles."""
    wanted = {
        "source": (source, os.O_RDONLY),
        "video": (folder / VIDEO, _NEW),
        "reread": (folder / VIDEO, os.O_RDONLY),
        "check": (folder / VIDEO, os.O_RDONLY),
        "thumbnail": (folder / THUMBNAIL, _NEW),
        "preview": (folder / PREVIEW, _NEW),
        "phases": (folder / PHASES, _NEW),
        "grey": (folder / GREY, _NEW),
        "picture": (folder / PICTURE, _NEW),
        "pages": (folder / PAGES, _NEW),
        "texts": (folder / TEXTS, _NEW),
        "copy": (folder / COPY, _NEW),
    }
    with ExitStack() as files:
        descriptors = {}
        for role, (path, flags) in wanted.items():
            descriptors[role] = os.open(path, flags | os.O_CLOEXEC, 0o600)
            files.callback(os.close, descriptors[role])
        yield descriptors


class ChildProcess:
    """One child process. `confinement` says which layers protect from the file, once the child has said so."""

    def __init__(self, process: asyncio.subprocess.Process, channel: socket.socket) -> None:
        self._process = process
        self._channel = channel
        self.confinement: Confinement | None = None

    @classmethod
    async def start(cls) -> "ChildProcess":
        """Starts a child, which imports what decoding needs and waits for its task. Raises OSError.

        It runs in a new session, so that `end` can kill it together with all processes that it started. It ends as soon
        as this process does, which closes the socket.
        """
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        try:
            with theirs:
                process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-I",
                    "-m",
                    _CHILD,
                    stdin=theirs.fileno(),
                    stdout=asyncio.subprocess.PIPE,
                    stderr=asyncio.subprocess.PIPE,
                    cwd="/",
                    env=dict(ENVIRONMENT),
                    start_new_session=True,
                    limit=MAX_LINE_BYTES,
                )
        except BaseException:
            ours.close()
            raise
        return cls(process, ours)

    @property
    def is_running(self) -> bool:
        return self._process.returncode is None

    async def wait(self) -> None:
        """Returns when the child has ended."""
        await self._process.wait()

    async def log_crash(self) -> None:
        """Logs how a child has ended that had no task."""
        stderr = await stderr_tail(self._process.stderr) if self._process.stderr else ""
        _log.error("media_child_crashed", status=await self._process.wait(), stderr=stderr)

    async def run(
        self, task: Task, source: Path, folder: Path, progress: Progress, motion: LoopResponder
    ) -> dict[str, Any]:
        """Has the child do the task with the file `source` and new files in `folder`; returns the facts.

        Passes its progress on, and lets `motion` see the clip. Raises what `RunningTask.result` raises, and OSError.
        """
        running = RunningTask(self._process, self._channel, task.limits)
        self._send(task, source, folder)
        try:
            return await running.result(progress, motion)
        finally:
            self.confinement = running.confinement

    def _send(self, task: Task, source: Path, folder: Path) -> None:
        """Sends the task and its files. Raises StorageFull, OSError."""
        try:
            with open_files(source, folder) as files, suppress(BrokenPipeError, ConnectionResetError):
                send_task(self._channel, task.message(), files)  # if it has ended, its exit status says why
        except OSError as problem:
            if problem.errno in (errno.ENOSPC, errno.EDQUOT):
                raise StorageFull() from problem
            raise

    async def end(self) -> None:
        """Kills the child's process group if the child still runs, waits for it, and discards its remaining output."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._channel.close()
        await asyncio.shield(self._process.communicate())
