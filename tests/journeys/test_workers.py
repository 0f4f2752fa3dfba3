"""Separate workers share the jobs of the server."""

import asyncio
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from mechshare import settings
from mechshare.bootstrap.application import build
from mechshare.demo.clips import CLIPS
from mechshare.entrypoints.http.app import build_app
from mechshare.entrypoints.worker.observer import LoggingObserver
from tests.deployments import deployed, deployed_adapters
from tests.http.conftest import Running
from tests.journeys.test_journey import drawn, processed, share, signed_up

WORKERS, SHARED = 3, 6


@contextmanager
def worker(environ: dict[str, str], log: Path) -> Iterator[None]:
    """A worker process, as on another host."""
    command = [sys.executable, "-m", "mechshare", "worker", "--slots", "1"]
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=os.environ | environ, stdout=output, stderr=output)
    try:
        yield
    finally:
        process.terminate()
        process.wait(240)
    assert process.returncode == 0, log.read_text()


async def test_several_workers_process_each_clip_once(tmp_path: Path) -> None:
    logs = [tmp_path / f"worker-{number}.log" for number in range(WORKERS)]
    async with deployed("distributed", tmp_path / "data") as environ:
        environ |= {"MECHSHARE_JOB_SLOTS": "0", "MECHSHARE_LOG_FORMAT": "json"}
        chosen = settings.load(environ)
        built = build(chosen, LoggingObserver(), deployed_adapters(chosen))
        app = build_app(built)
        running = Running(app)
        await running.up()
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://mechshare.test") as client:
            headers = await signed_up(client)
            clip = await asyncio.to_thread(drawn, CLIPS[0], tmp_path)
            ids = [await share(client, headers, clip, title=f"clip {number}") for number in range(SHARED)]
            with worker(environ, logs[0]), worker(environ, logs[1]), worker(environ, logs[2]):
                ends = [await processed(client, headers, id) for id in ids]
        await running.down()
    assert [(end["state"], end["attempt"]) for end in ends] == [("ready", 1)] * SHARED
    assert Counter(id for log in logs for id in ids if id in log.read_text()) == Counter(ids)
