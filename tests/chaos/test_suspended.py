"""A worker that is suspended for longer than its lease and then continues commits nothing."""

import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path

import httpx
import pytest

from tests.chaos.clips import clip
from tests.chaos.derivatives import made_of
from tests.chaos.installation import API, Process, ended, installed, signed_up, until, upload

WORKING = ("decode", "video")
OVER = ("ready", "failed")
MAX_CLIPS = 10


@pytest.mark.short_form_on("distributed")  # a lease lasts 15 s
async def test_a_worker_suspended_past_its_lease_never_commits(
    profile: str, figure: Callable[[str], None], tmp_path: Path
) -> None:
    async with installed(profile, tmp_path, JOB_SLOTS="0") as installation:
        with installation.serving(), installation.running("worker") as suspended:
            await installation.ready()
            async with installation.visitor() as client:
                headers = await signed_up(client)
                id = await suspended_at_work(suspended, client, headers)
                with installation.running("worker", "--slots", "2"):
                    status = await ended(client, headers, id)
                [second] = await made_of(installation, [id])

                suspended.signal(signal.SIGCONT)
                after = (await upload(client, headers, clip(MAX_CLIPS), "after")).json()["id"]
                alive = await ended(client, headers, after)

                async def has_noticed() -> bool | None:
                    return "job_lost" in installation.log_of("worker") or None

                await until(has_noticed)
                [now] = await made_of(installation, [id])
                url = (await client.get(f"{API}/mechanisms/{id}", headers=headers)).json()["file_url"]
                watched = await client.get(url, headers={"Range": "bytes=0-9"})
    doubled = (now.version, now.named) != (second.version, second.named)
    figure(
        f"{int(doubled)} double commits; {status['attempt']} attempts, the first was lost and noticed so; "
        f"the files are those of claim {now.fence}"
    )
    assert (status["state"], status["attempt"]) == ("ready", 2)
    assert status["attempts"][0]["reason"]["code"] == "worker_lost"
    assert second.is_one_set
    assert (now.version, now.fence, now.named) == (second.version, second.fence, second.named)
    assert watched.status_code == 206
    assert alive["state"] == "ready"


async def suspended_at_work(worker: Process, client: httpx.AsyncClient, headers: dict[str, str]) -> str:
    """Suspends the worker in the middle of a clip, and returns the mechanism's id.

    Takes another clip if the worker finished one meanwhile: a busy machine may let this process look too late.
    """
    for seed in range(MAX_CLIPS):
        large = clip(seed, frames=150, size=(640, 480))
        id: str = (await upload(client, headers, large, "suspended")).json()["id"]
        await until(partial(_step_of, client, headers, id, (*WORKING, *OVER)))
        worker.signal(signal.SIGSTOP)
        if await _step_of(client, headers, id, WORKING):
            return id
        worker.signal(signal.SIGCONT)
    raise AssertionError("the worker finished each clip before it was suspended")


async def _step_of(
    client: httpx.AsyncClient, headers: dict[str, str], id: str, expected: tuple[str, ...]
) -> str | None:
    """Returns the current step of processing the clip, or its final state, if it is one of these."""
    status = (await client.get(f"{API}/mechanisms/{id}/processing", headers=headers)).json()
    now = status["state"] if status["state"] in OVER else status["step"]
    return now if now in expected else None
