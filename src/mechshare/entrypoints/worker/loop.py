"""The worker loop, which runs the jobs of the ledger. Any number of loops and processes share the ledger."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from mechshare.application import Application
from mechshare.domain.errors import OutOfSpace, Unavailable
from mechshare.domain.personal_access_tokens import USE_INTERVAL

RETRY_INTERVAL = timedelta(seconds=1)
"""The pause after a step that failed."""
REAP_INTERVAL = timedelta(seconds=5)
SCHEDULE_INTERVAL = timedelta(seconds=5)
LATE_INDEX_INTERVAL = timedelta(seconds=2)
"""How often a process looks for index jobs that no worker runs."""
RECORD_INTERVAL = timedelta(minutes=1)
"""The interval for which refused tokens are counted before the audit log records their number."""
COUNT_INTERVAL = timedelta(seconds=10)
"""How often a process writes the views and downloads that it has noted, and counts what has changed."""
CLEANUP_INTERVAL = timedelta(minutes=1)
"""How often a process removes what killed processes left on its disks."""
PREPARATION_DELAY = timedelta(seconds=5)
"""How long after its start a worker prepares for the next upload: the start comes first."""
SHUTDOWN_GRACE = 10.0
"""Seconds in which running jobs may end after a stop; jobs that do not end are retried after their lease expires."""
_log = structlog.get_logger("mechshare.worker")


Step = Callable[[], Awaitable[object]]


async def work(app: Application, *, slots: int, stop: asyncio.Event) -> None:
    """Runs up to `slots` jobs at a time until `stop` is set; gives running jobs SHUTDOWN_GRACE seconds to end.

    For any `slots`, including 0, it reaps jobs of workers that died, so that no job waits forever, and runs late index
    jobs, so that searches stay complete without a worker.
    """

    async def index_late() -> None:
        if await app.runner.run_late_index_job() is None:
            await _pause(stop, LATE_INDEX_INTERVAL)

    async def keep_ready() -> None:
        await _pause(stop, PREPARATION_DELAY)
        if not stop.is_set():
            await app.keep_ready()

    steps = (
        *[app.runner.run_next] * slots,
        index_late,
        _then_pausing(app.runner.reap, REAP_INTERVAL, stop),
        _then_pausing(app.scheduler.enqueue_due_jobs, SCHEDULE_INTERVAL, stop),
        _then_pausing(app.installation.remove_leftovers, CLEANUP_INTERVAL, stop),
        _after_pausing(app.audit.record_refused_tokens, RECORD_INTERVAL, stop),
        _after_pausing(app.personal_access_tokens.record_uses, USE_INTERVAL, stop),
        _after_pausing(app.statistics.refresh, COUNT_INTERVAL, stop),
    )
    loops = [asyncio.create_task(_repeat(step, stop)) for step in steps]
    stopped = asyncio.create_task(stop.wait())
    # Not one of the loops, which get SHUTDOWN_GRACE: it is cancelled at the end.
    preparing = [asyncio.create_task(_repeat(keep_ready, stop))] if slots else []
    try:
        await asyncio.wait([stopped, *loops], return_when=asyncio.FIRST_COMPLETED)
        await app.runner.wake()
        await asyncio.wait(loops, timeout=SHUTDOWN_GRACE)
    finally:
        for task in (stopped, *preparing, *loops):
            task.cancel()
        await asyncio.gather(stopped, *preparing, *loops, return_exceptions=True)


async def write_last_visits(app: Application) -> None:
    """Writes what was noted while the last requests of the process were finished, if the database is there."""
    try:
        await app.statistics.refresh()
    except (Unavailable, OutOfSpace) as down:
        _log.warning("dependency_unavailable", problem=down.message)


def _then_pausing(step: Step, interval: timedelta, stop: asyncio.Event) -> Step:
    async def run() -> None:
        await step()
        await _pause(stop, interval)

    return run


def _after_pausing(step: Step, interval: timedelta, stop: asyncio.Event) -> Step:
    """Returns a step that pauses first, and so runs a last time when `stop` is set: what was noted is not lost."""

    async def run() -> None:
        await _pause(stop, interval)
        await step()

    return run


async def _repeat(step: Step, stop: asyncio.Event) -> None:
    """Repeats `step` until `stop` is set. After an error it pauses and retries, since the ledger keeps all jobs."""
    while not stop.is_set():
        try:
            await step()
        except (Unavailable, OutOfSpace) as down:
            _log.warning("dependency_unavailable", problem=down.message)
            await _pause(stop, RETRY_INTERVAL)
        except Exception:
            _log.exception("worker_error")
            await _pause(stop, RETRY_INTERVAL)


async def _pause(stop: asyncio.Event, time: timedelta) -> None:
    """Waits for `time`, or until `stop` is set."""
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([stopping], timeout=time.total_seconds())
    stopping.cancel()
