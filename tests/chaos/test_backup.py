"""Backup during uploads, edits and deletions, then restore: everything acknowledged before is there."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import httpx
import pytest

from tests.chaos.clips import clip
from tests.chaos.installation import API, MAX_WAIT, Installation, installed, signed_up


@dataclass
class Load:
    """Uploads, edits and deletes mechanisms.

    `journal` maps mechanisms to the SHA-256 of their acknowledged clips; `deleted` has those whose deletion was
    acknowledged.
    """

    client: httpx.AsyncClient
    headers: dict[str, str]
    journal: dict[str, str] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    requests: int = 0
    _seeds: int = 0

    async def upload(self) -> str:
        self._seeds += 1
        content = clip(self._seeds)
        response = await self.client.post(
            f"{API}/mechanisms",
            headers=self.headers,
            data={"title": f"clip {self._seeds}"},
            files={"file": ("clip.gif", content)},
        )
        self.requests += 1
        assert response.status_code == 202, response.text
        id: str = response.json()["id"]
        self.journal[id] = sha256(content).hexdigest()
        return id

    async def edit(self, id: str, title: str) -> None:
        response = await self.client.patch(
            f"{API}/mechanisms/{id}", headers={**self.headers, "If-Match": "*"}, json={"title": title}
        )
        self.requests += 1
        assert response.status_code == 200, response.text

    async def delete(self, id: str) -> None:
        response = await self.client.delete(
            f"{API}/mechanisms/{id}", headers={**self.headers, "If-Match": "*"}
        )
        self.requests += 1
        assert response.status_code == 204, response.text
        self.deleted.add(id)

    @asynccontextmanager
    async def going_on(self, people: int, dice: random.Random) -> AsyncIterator[None]:
        """Users upload, edit and delete meanwhile; mechanisms from before are edited but not deleted."""
        before, is_over = sorted(self.journal), asyncio.Event()

        async def live() -> None:
            while not is_over.is_set():
                mine = [await self.upload() for _ in range(2)]
                await self.edit(dice.choice([*before, *mine]), f"edited {self.requests}")
                await self.delete(dice.choice(mine))

        async with asyncio.TaskGroup() as group:
            for _ in range(people):
                group.create_task(live())
            try:
                yield
            finally:
                is_over.set()


@pytest.mark.short_form_on("distributed")
async def test_everything_acknowledged_before_a_backup_is_restored(
    profile: str, long: bool, figure: Callable[[str], None], tmp_path: Path
) -> None:
    dice = random.Random(2026)
    count, kills, people = (60, 5, 3) if long else (6, 1, 1)
    backup = str(tmp_path / "backup")
    (tmp_path / "first").mkdir()
    (tmp_path / "second").mkdir()

    async with installed(profile, tmp_path / "first") as first:
        with first.serving():
            await first.ready()
            async with first.visitor() as client:
                load = Load(client, await signed_up(client))
                promised = [await load.upload() for _ in range(count)]
                async with load.going_on(people, dice):
                    for _ in range(kills):
                        await killed(first, "backup", backup, dice=dice)
                    before, gone = load.requests, set(load.deleted)
                    await done(first, "backup", backup)
                    during = load.requests - before

    # The servers and folders of the first are gone; only the backup is left.
    async with installed(profile, tmp_path / "second") as second:
        await done(second, "restore", "--check", backup)
        await killed(second, "restore", backup, dice=dice)
        await done(second, "restore", backup)
        with second.serving():
            await second.ready()
            async with second.visitor() as client:
                restored_clips = await originals(client, await signed_up(client), load.journal)

    lost = [id for id in promised if restored_clips.get(id) != load.journal[id]]
    altered = [id for id in restored_clips if restored_clips[id] != load.journal[id]]
    figure(
        f"{len(lost)} lost of {len(promised)}; {len(altered)} missing or altered "
        f"of the {len(restored_clips)} restored; "
        f"{during} requests during the backup, which was killed {kills} times before"
    )
    assert lost == []
    assert altered == []
    assert gone & restored_clips.keys() == set()


async def done(installation: Installation, *command: str) -> None:
    with installation.running(*command) as process:
        status = await asyncio.to_thread(process.ended)
    assert status == 0, installation.log_of(command[0])


async def killed(installation: Installation, *command: str, dice: random.Random) -> None:
    """Kills the command before, during or after its work."""
    with installation.running(*command):
        await asyncio.sleep(dice.uniform(0.8, 2.5))


async def originals(
    client: httpx.AsyncClient, headers: dict[str, str], known: dict[str, str]
) -> dict[str, str]:
    """Returns the SHA-256 of the original of each mechanism of `known` that exists, once it is ready."""
    found: dict[str, str] = {}
    for id in known:
        ends = time.monotonic() + MAX_WAIT
        response = await client.get(f"{API}/mechanisms/{id}/processing", headers=headers)
        while response.status_code == 200 and response.json()["state"] not in ("ready", "failed"):
            assert time.monotonic() < ends, f"{id} is pending for ever: {response.text}"
            await asyncio.sleep(0.2)
            response = await client.get(f"{API}/mechanisms/{id}/processing", headers=headers)
        if response.status_code == 404:
            continue
        assert response.json()["state"] == "ready", response.text
        original = await client.get(f"{API}/mechanisms/{id}/original", headers=headers)
        found[id] = sha256(original.content).hexdigest() if original.status_code == 200 else ""
        watched = (await client.get(f"{API}/mechanisms/{id}", headers=headers)).json()
        for part in ("file_url", "thumbnail_url", "preview_url"):
            response = await client.get(watched[part], headers=headers)
            assert response.status_code == 200, f"{part} of {id}: {response.status_code}"
    return found
