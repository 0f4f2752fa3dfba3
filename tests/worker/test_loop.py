"""The loop that runs the jobs of the ledger."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from uuid6 import uuid7

from mechshare.application import Application
from mechshare.bootstrap.adapters import Adapters
from mechshare.bootstrap.application import build
from mechshare.domain.errors import DependencyUnavailable
from mechshare.domain.ids import JobId
from mechshare.domain.jobs import JobKind, JobState, new_job
from mechshare.domain.pagination import PageRequest
from mechshare.entrypoints.worker import loop
from mechshare.entrypoints.worker.loop import work
from mechshare.entrypoints.worker.observer import LoggingObserver
from tests.http.conftest import memory_settings, quick_adapters


@pytest.fixture
def adapters(tmp_path: Path) -> Adapters:
    return quick_adapters(memory_settings(tmp_path / "data"))


@pytest.fixture
async def application(tmp_path: Path, adapters: Adapters) -> AsyncIterator[Application]:
    yield build(memory_settings(tmp_path / "data"), LoggingObserver(), adapters)
    await adapters.close()


async def enqueue(adapters: Adapters, count: int) -> None:
    async with adapters.database.begin() as tx:
        for _ in range(count):
            id = JobId(str(uuid7()))
            await tx.ledger.add(new_job(id, JobKind.PROCESS_MECHANISM_FILE, "m", now=adapters.clock.now()))


async def until_done(adapters: Adapters, count: int) -> None:
    """Returns when `count` clips are processed; jobs that the loop enqueues itself do not count."""
    while True:
        async with adapters.database.read() as tx:
            done = (await tx.jobs.find_all(PageRequest(limit=100), state=JobState.DONE)).items
        if [job.kind for job in done].count(JobKind.PROCESS_MECHANISM_FILE) == count:
            return
        await asyncio.sleep(0.01)


async def test_all_enqueued_jobs_are_run_with_several_slots(
    application: Application, adapters: Adapters
) -> None:
    await enqueue(adapters, 20)
    stop = asyncio.Event()
    working = asyncio.create_task(work(application, slots=3, stop=stop))
    await until_done(adapters, 20)
    stop.set()
    await adapters.doorbell.ring()
    await working


async def test_a_ring_wakes_the_loop(application: Application, adapters: Adapters) -> None:
    stop = asyncio.Event()
    working = asyncio.create_task(work(application, slots=1, stop=stop))
    await asyncio.sleep(0)
    await enqueue(adapters, 1)
    await adapters.doorbell.ring()
    await until_done(adapters, 1)
    stop.set()
    await working


async def test_the_loop_continues_after_failures(
    application: Application, adapters: Adapters, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = application.runner.run_one
    failures = iter([DependencyUnavailable(dependency="database"), ZeroDivisionError()])

    async def faulty(**options: Any) -> Any:
        for failure in failures:
            raise failure
        return await real(**options)

    monkeypatch.setattr(application.runner, "run_one", faulty)
    monkeypatch.setattr("mechshare.entrypoints.worker.loop.RETRY_INTERVAL", timedelta(0))
    await enqueue(adapters, 1)
    stop = asyncio.Event()
    working = asyncio.create_task(work(application, slots=1, stop=stop))
    await until_done(adapters, 1)
    stop.set()
    await working


async def preparations_of(application: Application, adapters: Adapters, slots: int) -> list[str]:
    """Returns what happened to `keep_ready` while a worker with `slots` ran a job."""
    happened = []

    async def keep_ready() -> None:
        happened.append("started")
        try:
            await asyncio.Event().wait()
        finally:
            happened.append("ended")

    stop = asyncio.Event()
    working = asyncio.create_task(work(replace(application, keep_ready=keep_ready), slots=slots, stop=stop))
    for _ in range(100):
        await asyncio.sleep(0.001)
    stop.set()
    await adapters.doorbell.ring()
    await working
    return happened


@pytest.mark.parametrize(("slots", "expected"), [(2, ["started", "ended"]), (0, [])])
async def test_a_worker_with_slots_prepares_for_the_next_upload_until_it_stops(
    application: Application,
    adapters: Adapters,
    monkeypatch: pytest.MonkeyPatch,
    slots: int,
    expected: list[str],
) -> None:
    monkeypatch.setattr(loop, "PREPARATION_DELAY", timedelta(0))

    assert await preparations_of(application, adapters, slots) == expected


async def test_a_worker_that_stops_soon_prepares_nothing(
    application: Application, adapters: Adapters
) -> None:
    assert await preparations_of(application, adapters, 1) == []
