"""Workers are killed at every step and at random: every clip ends, once, with one set of files."""

import asyncio
import json
import os
import random
import signal
import statistics
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

from mechshare.domain.jobs import MAX_ATTEMPTS
from tests.chaos.clips import clip
from tests.chaos.derivatives import made_of
from tests.chaos.installation import (
    API,
    MAX_WAIT,
    Installation,
    ended,
    installed,
    signed_up,
    until,
    upload,
)

STEPS = ("start", "fetch", "decode", "video", "preview", "verify", "store", "finish", "finished")
WORKERS = 3
SENDERS = 8


@pytest.mark.short_form_on("distributed")
async def test_a_worker_killed_at_any_step_leaves_a_clip_that_is_processed_once(
    profile: str, figure: Callable[[str], None], tmp_path: Path
) -> None:
    """At each step of processing, one worker with one clip is killed; then a live worker takes over all clips."""
    async with installed(profile, tmp_path, JOB_SLOTS="0") as installation:
        with installation.serving(workers=1):
            await installation.ready()
            async with installation.visitor() as client:
                headers = await signed_up(client)
                ids = [
                    (await upload(client, headers, clip(seed), step)).json()["id"]
                    for seed, step in enumerate(STEPS)
                ]
                statuses = await _doomed_workers(installation)
                with installation.running("worker", "--slots", "2"):
                    states = [await ended(client, headers, id) for id in ids]
                await _assert_watchable(client, headers, ids)
        made = await made_of(installation, ids)
    lost = sum(len(list(_lost(state))) for state in states)
    figure(
        f"{sum(state['state'] == 'ready' for state in states)} of {len(STEPS)} ready, killed at {', '.join(STEPS)}; "
        f"{sum(one.is_one_set for one in made)} with one set of files; {lost} attempts lost"
    )
    assert statuses == [-signal.SIGKILL] * len(STEPS)
    assert [state["state"] for state in states] == ["ready"] * len(STEPS)
    assert lost == len(STEPS) - 1, "all but the one who had just finished"
    assert all(one.is_one_set for one in made)


@pytest.mark.short_form_on("embedded")  # a lease lasts 15 s
async def test_every_clip_ends_while_workers_are_killed(
    profile: str, long: bool, figure: Callable[[str], None], tmp_path: Path
) -> None:
    count, dice = (200 if long else 12), random.Random(2026)
    states: dict[str, dict[str, Any]] = {}
    async with installed(profile, tmp_path, JOB_SLOTS="0") as installation:
        with installation.serving(), ExitStack() as stack:
            await installation.ready()
            workers = [stack.enter_context(_worker(installation)) for _ in range(WORKERS)]
            async with installation.visitor() as client:
                headers = await signed_up(client)
                seeds = iter(range(count))
                sending = asyncio.gather(*(_send(client, headers, seeds, states) for _ in range(SENDERS)))
                kills = 0
                while not sending.done():
                    await asyncio.wait([sending], timeout=dice.uniform(*((2, 5) if long else (0.05, 0.2))))
                    victims = workers if long else [worker for worker in workers if worker.is_at_work]
                    if victims and (long or kills < count // 4):
                        victim = dice.choice(victims)
                        victim.kill()
                        workers[workers.index(victim)] = stack.enter_context(_worker(installation))
                        kills += 1
                await sending
                ready = [id for id, state in states.items() if state["state"] == "ready"]
                await _assert_watchable(client, headers, ready)
        made = await made_of(installation, ready)
    recoveries = sorted(seconds for state in states.values() for seconds in _lost(state))
    figure(
        f"{len(states)} of {count} ended; {len(ready)} ready, {sum(one.is_one_set for one in made)} with one set of "
        f"files; {kills} kills lost {len(recoveries)} attempts; recovery {_described(recoveries)}"
    )
    assert len(states) == count
    assert all(one.is_one_set for one in made)
    assert all(len(list(_lost(states[id]))) == MAX_ATTEMPTS for id in states.keys() - set(ready))
    assert recoveries, "no kill hit anything"


def _worker(installation: Installation) -> Any:
    return installation.running("worker", "--slots", "1")


async def _send(
    client: httpx.AsyncClient,
    headers: Mapping[str, str],
    seeds: Iterator[int],
    states: dict[str, dict[str, Any]],
) -> None:
    """Uploads clips one by one, the next when one has ended, so that no clip waits long behind others."""
    for seed in seeds:
        id = await _accepted(client, headers, clip(seed, frames=20), f"clip {seed}")
        states[id] = await ended(client, headers, id)


async def _accepted(client: httpx.AsyncClient, headers: Mapping[str, str], content: bytes, title: str) -> str:
    """Uploads a clip, again under the same key after a broken connection as a client would, and returns its id."""

    async def sent() -> str | None:
        with suppress(httpx.TransportError):
            response = await upload(client, headers, content, title, key=title.replace(" ", "-"))
            return str(response.json()["id"])
        return None

    return await until(sent)


def _lost(state: Mapping[str, Any]) -> Iterator[float]:
    """Yields, for each attempt whose worker was lost, the seconds from its start to the next attempt's start, or to its
    end."""
    attempts = state["attempts"]
    for one, next_one in pairwise([*attempts, None]):
        if one["reason"] and one["reason"]["code"] == "worker_lost":
            over = next_one["started_at"] if next_one else one["ended_at"]
            yield (datetime.fromisoformat(over) - datetime.fromisoformat(one["started_at"])).total_seconds()


def _described(seconds: list[float]) -> str:
    if len(seconds) < 2:
        return f"{seconds}"
    return f"median {statistics.median(seconds):.1f} s, p95 {statistics.quantiles(seconds, n=20)[-1]:.1f} s"


async def _doomed_workers(installation: Installation) -> list[int]:
    """Returns the exit status of a worker per step of STEPS, killed at that step."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.chaos.doomed_worker", *STEPS),
        env={**os.environ, **installation.environ},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(MAX_WAIT):
            output, _ = await process.communicate()
        statuses: list[int] = json.loads(output)
        return statuses
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


async def _assert_watchable(client: httpx.AsyncClient, headers: Mapping[str, str], ids: list[str]) -> None:
    for id in ids:
        shown = (await client.get(f"{API}/mechanisms/{id}", headers=headers)).json()
        for url in (shown["file_url"], shown["thumbnail_url"], shown["preview_url"]):
            response = await client.get(url, headers={"Range": "bytes=0-9"})
            assert (response.status_code, len(response.content)) == (206, 10), url
