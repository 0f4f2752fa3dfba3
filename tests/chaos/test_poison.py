"""A clip that crashes its sandbox each time: it fails after five attempts and delays no other clip."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from mechshare.domain.jobs import MAX_ATTEMPTS
from tests.chaos.clips import clip
from tests.chaos.installation import API, ended, installed, signed_up, upload

HEALTHY = 5
_CHILD = b"mechshare.adapters.media.child"


@pytest.mark.short_form_on("distributed")  # five attempts take 30 s at least
async def test_a_clip_that_crashes_each_time_fails_after_five_attempts_and_delays_no_other(
    profile: str, figure: Callable[[str], None], tmp_path: Path
) -> None:
    # It takes seconds to decode: a busy machine must not finish it before the test sees its sandbox.
    poison = clip(666, frames=150, size=(640, 480))
    async with installed(profile, tmp_path, JOB_SLOTS="0") as installation:
        scratch = Path(installation.environ["MECHSHARE_DATA"]) / "scratch"
        with installation.serving(), installation.running("worker", "--slots", "1"):
            await installation.ready()
            async with installation.visitor() as client, _killing_what_opens(poison, scratch) as killed:
                headers = await signed_up(client)
                poisoned = (await upload(client, headers, poison, "poison")).json()["id"]
                healthy = [
                    (await upload(client, headers, clip(seed), f"healthy {seed}")).json()["id"]
                    for seed in range(HEALTHY)
                ]
                well = [await ended(client, headers, id) for id in healthy]
                failed = await ended(client, headers, poisoned)
                shown = (await client.get(f"{API}/mechanisms/{poisoned}", headers=headers)).json()

    attempts = failed["attempts"]
    before_its_end = sum(_end(status) < _end(failed) for status in well)
    last_chance = datetime.fromisoformat(attempts[-1]["started_at"])
    before_its_last = sum(_end(status) < last_chance for status in well)
    figure(
        f"poison {failed['state']} ({shown['processing']['reason']['code']}) after {len(attempts)} attempts; "
        f"{before_its_end} of {HEALTHY} healthy clips were ready before, {before_its_last} before its last attempt"
    )
    assert failed["state"] == "failed"
    assert failed["reason"]["code"] == shown["processing"]["reason"]["code"] == "crashed"
    assert failed["reason"]["message"]
    assert [(one["number"], one["reason"]["code"]) for one in attempts] == [
        (number, "crashed") for number in range(1, MAX_ATTEMPTS + 1)
    ]
    assert len(killed) == failed["attempt"] == MAX_ATTEMPTS
    assert [(status["state"], status["attempt"]) for status in well] == [("ready", 1)] * HEALTHY
    assert before_its_end == HEALTHY


def _end(status: Mapping[str, Any]) -> datetime:
    """Returns when the last attempt ended."""
    return datetime.fromisoformat(status["attempts"][-1]["ended_at"])


@asynccontextmanager
async def _killing_what_opens(content: bytes, scratch: Path) -> AsyncIterator[set[int]]:
    """Kills (SIGKILL) each sandbox process that would open `content`; yields the set of their ids."""
    killed: set[int] = set()

    async def watch() -> None:
        while True:
            for pid in _confined(content, scratch) - killed:
                killed.add(pid)
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            await asyncio.sleep(0.02)

    watching = asyncio.create_task(watch())
    try:
        yield killed
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching


def _confined(content: bytes, scratch: Path) -> set[int]:
    """Returns the sandbox processes that have a source below `scratch` open that is `content`."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # the process or its clip is gone
            if _CHILD in (process / "cmdline").read_bytes() and any(
                scratch in path.parents and path.name == "source.gif" and path.read_bytes() == content
                for path in _open_files(process)
            ):
                found.add(int(process.name))
    return found


def _open_files(process: Path) -> list[Path]:
    return [descriptor.readlink() for descriptor in (process / "fd").iterdir()]
