"""Workers killed at every step and at random: every clip ends, once, with one set of files."""

import asyncio
import os
import random
import signal
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from tests.chaos.clips import clip
from tests.chaos.installation import (
    API,
    PATIENCE,
    Installation,
    ended,
    installed,
    signed_up,
    upload,
)

STEPS = ["start", "fetch", "decode", "video", "preview", "verify", "store", "finish", "finished"]
WORKERS = 2


async def test_a_worker_killed_at_any_step_leaves_a_clip_that_is_processed_once(
    profile: str, figure: Callable[[str], None], tmp_path: Path
) -> None:
    """A clip and a worker for each step, where it is killed; then one that lives takes over all clips."""
    async with installed(profile, tmp_path, JOB_SLOTS="0") as installation:
        with installation.serving():
            await installation.ready()
            async with installation.visitor() as client:
                headers = await signed_up(client)
                ids = [
                    (await upload(client, headers, clip(seed), step)).json()["id"]
                    for seed, step in enumerate(STEPS)
                ]
                dying = (asyncio.to_thread(_doomed_worker, installation, step) for step in STEPS)
                statuses = await asyncio.gather(*dying)
                with installation.running("worker"):
                    states = [await ended(client, headers, id) for id in ids]
                    await _assert_whole(client, headers, ids)
    attempts = [state["attempt"] for state in states]
    figure(f"{len(states)} of {len(STEPS)} clips survived a kill at {', '.join(STEPS)}; attempts {attempts}")
    assert [state["state"] for state in states] == ["ready"] * len(STEPS)
    assert statuses == [-signal.SIGKILL] * len(STEPS)
    assert max(attempts) > 1


async def test_clips_end_though_workers_are_killed_all_the_time(
    profile: str, long: bool, figure: Callable[[str], None], tmp_path: Path
) -> None:
    count, dice = (200 if long else 12), random.Random(2026)
    async with installed(profile, tmp_path, JOB_SLOTS="0") as installation:
        with installation.serving(), ExitStack() as stack:
            await installation.ready()
            async with installation.visitor() as client:
                headers = await signed_up(client)
                ids = [
                    (await upload(client, headers, clip(seed, frames=20), f"clip {seed}")).json()["id"]
                    for seed in range(count)
                ]
                workers = [stack.enter_context(installation.running("worker")) for _ in range(WORKERS)]
                waiting = asyncio.gather(*(ended(client, headers, id) for id in ids))
                kills = 0
                while not waiting.done():
                    await asyncio.wait(
                        [waiting], timeout=dice.uniform(2.0, 5.0) if long else dice.uniform(0.5, 1.5)
                    )
                    if kills < count // 4:  # however slow the machine is, it ends
                        dice.shuffle(workers)
                        workers.pop().kill()
                        workers.append(stack.enter_context(installation.running("worker")))
                        kills += 1
                states = await waiting
                await _assert_whole(client, headers, ids)
    recoveries = [_recovery(state) for state in states if state["attempt"] > 1]
    told = (
        f"recovered in {statistics.median(recoveries):.0f} s (median), {max(recoveries):.0f} s at most"
        if recoveries
        else "none had to be tried twice"
    )
    figure(
        f"{len(states)} of {count} ended, {sum(s['state'] == 'ready' for s in states)} ready; {kills} kills; {told}"
    )
    assert [state["state"] for state in states] == ["ready"] * count


def _recovery(state: Mapping[str, Any]) -> float:
    """Seconds from the start of the attempt that was lost to the start of the one that ended the clip."""
    first, *_, last = (datetime.fromisoformat(one["started_at"]) for one in state["attempts"])
    return (last - first).total_seconds()


def _doomed_worker(installation: Installation, step: str) -> int:
    """The exit status of a worker that is killed at `step`."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.chaos.doomed_worker", step],
        env={**os.environ, **installation.environ},
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    return done.returncode


async def _assert_whole(client: httpx.AsyncClient, headers: Mapping[str, str], ids: list[str]) -> None:
    """Each can be watched."""
    for id in ids:
        shown = (await client.get(f"{API}/mechanisms/{id}", headers=headers)).json()
        for url in (shown["file_url"], shown["thumbnail_url"], shown["preview_url"]):
            answer = await client.get(url, headers={"Range": "bytes=0-9"})
            assert (answer.status_code, len(answer.content)) == (206, 10), url
