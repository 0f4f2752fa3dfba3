"""A worker that is suspended for longer than its lease and then continues commits nothing."""

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chaos.clips import clip
from tests.chaos.derivatives import made_of
from tests.chaos.installation import API, ended, installed, signed_up, until, upload

WORKING = ("decode", "video", "preview")


@pytest.mark.short_form_on("distributed")  # a lease lasts 15 s
async def test_a_worker_suspended_past_its_lease_never_commits(
    profile: str, figure: Callable[[str], None], tmp_path: Path
) -> None:
    async with installed(profile, tmp_path, JOB_SLOTS="0") as installation:
        with installation.serving(), installation.running("worker") as suspended:
            await installation.ready()
            async with installation.visitor() as client:
                headers = await signed_up(client)
                large = clip(1, frames=150, size=(640, 480))
                id = (await upload(client, headers, large, "suspended")).json()["id"]

                async def is_at_it() -> bool | None:
                    status = (await client.get(f"{API}/mechanisms/{id}/processing", headers=headers)).json()
                    assert status["state"] not in ("ready", "failed"), "it was too quick to be suspended"
                    return status["step"] in WORKING or None

                await until(is_at_it)
                suspended.signal(signal.SIGSTOP)
                with installation.running("worker", "--slots", "2"):
                    status = await ended(client, headers, id)
                [second] = await made_of(installation, [id])

                suspended.signal(signal.SIGCONT)
                after = (await upload(client, headers, clip(2), "after")).json()["id"]
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
