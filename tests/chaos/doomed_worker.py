"""`python -m tests.chaos.doomed_worker STEP...`: starts a worker per STEP, which kills itself (SIGKILL) at that step of
a clip.

A STEP is one that a job reports or the ledger gets, or `finish`: in the transaction that finishes the job, before the
commit, or `finished`: right after the commit. Prints the exit codes of the workers as a JSON list.
"""

import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any

from mechshare.bootstrap import schemes
from mechshare.domain.ids import JobId
from mechshare.domain.jobs import JobKind, JobState
from mechshare.entrypoints.cli.main import main
from mechshare.services import jobs as services_jobs
from mechshare.services.support.job_progress import JobProgress

MAX_STARTS = 5


class DoomedLedger:
    def __init__(self, inner: Any, step: str) -> None:
        self._inner = inner
        self._step = step
        self.has_finished = False

    async def claim(self, lease: timedelta, **options: Any) -> Any:
        job = await self._inner.claim(lease, **options)
        if job is not None and job.kind is JobKind.PROCESS_MECHANISM_FILE:
            _CLIPS.add(job.id)
        return job

    async def renew(self, id: JobId, fence: int, lease: timedelta, step: str, progress: float) -> bool:
        if step == self._step:
            die()
        succeeded: bool = await self._inner.renew(id, fence, lease, step, progress)
        return succeeded

    async def finish(self, id: JobId, fence: int, state: JobState, *failure: Any) -> bool:
        succeeded: bool = await self._inner.finish(id, fence, state, *failure)
        if id in _CLIPS and self._step == "finish":
            die()
        self.has_finished = id in _CLIPS
        return succeeded

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class DoomedUnitOfWork:
    def __init__(self, inner: Any, step: str) -> None:
        self._inner = inner
        self.ledger = DoomedLedger(inner.ledger, step)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class DoomedDatabase:
    def __init__(self, inner: Any, step: str) -> None:
        self._inner = inner
        self._step = step

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Any]:
        async with self._inner.begin() as tx:
            doomed = DoomedUnitOfWork(tx, self._step)
            yield doomed
        if doomed.ledger.has_finished and self._step == "finished":
            die()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


_CLIPS: set[JobId] = set()
"""The jobs that this process claimed and that process a clip."""


class DoomedProgress(JobProgress):
    """Kills the process at `last_step`, which is not recorded if it follows the former one quickly."""

    last_step = ""

    async def report(self, step: str, fraction: float) -> None:
        if step == self.last_step:
            die()
        await super().report(step, fraction)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def worker_doomed_at(step: str) -> int:
    """Returns the id of a new process, forked so that modules are imported once."""
    pid = os.fork()
    if pid:
        return pid
    databases: Any = schemes.DATABASES
    for scheme, made in list(databases.items()):
        databases[scheme] = lambda url, settings, made=made: DoomedDatabase(made(url, settings), step)
    DoomedProgress.last_step = step
    services_jobs.JobProgress = DoomedProgress  # type: ignore[attr-defined]
    sys.argv = ["mechshare", "worker", "--slots", "1"]
    sys.stdout = sys.stderr
    # As a service manager does: on a busy machine a dependency may not respond in time at the first start.
    for _ in range(MAX_STARTS):
        with suppress(SystemExit):
            main()
        time.sleep(1)
    os._exit(0)


if __name__ == "__main__":
    pids = [worker_doomed_at(step) for step in sys.argv[1:]]
    print(json.dumps([os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]))
