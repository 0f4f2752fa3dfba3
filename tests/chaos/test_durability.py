"""Everything is killed at random during uploads: each acknowledged clip is stored unaltered and processed."""

import asyncio
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from hashlib import sha256
from pathlib import Path

import httpx
import pytest

from tests.chaos.clips import clip
from tests.chaos.installation import API, Installation, Process, ended, installed, signed_up, until, upload

SENDERS = 3


class Crew:
    """The commands of a running installation, each restarted after it is killed."""

    def __init__(self, installation: Installation, stack: ExitStack) -> None:
        self._installation = installation
        self._stack = stack
        self.processes: dict[str, Process] = {}
        self.kills = 0
        self._start("serve")
        self._start("worker")

    async def kill(self, victim: str) -> None:
        self.kills += 1
        if victim in self.processes:
            self.processes[victim].kill()
            self._start(victim)
            return
        server = self._installation.servers[victim]
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)

    @property
    def victims(self) -> list[str]:
        return [*self.processes, *self._installation.servers]

    def _start(self, name: str) -> None:
        starting = self._installation.serving() if name == "serve" else self._installation.running(name)
        self.processes[name] = self._stack.enter_context(starting)


@pytest.mark.short_form_on("distributed")
async def test_acknowledged_clips_survive_any_kill(
    profile: str, long: bool, figure: Callable[[str], None], tmp_path: Path
) -> None:
    count, kills = (300, 1000) if long else (15, 3)
    dice = random.Random(2026)
    own = ("postgresql",) if profile == "distributed" else ()
    async with installed(profile, tmp_path, own=own) as installation:
        with ExitStack() as stack:
            crew = Crew(installation, stack)
            await installation.ready()
            async with installation.visitor() as client:
                headers = await signed_up(client)
                journal: dict[str, str] = {}
                seeds = iter(range(count))
                sending = [
                    asyncio.create_task(_send(client, headers, seeds, journal)) for _ in range(SENDERS)
                ]
                while any(not task.done() for task in sending) and crew.kills < kills:
                    await crew.kill(dice.choice(crew.victims))
                    await installation.ready()
                    await asyncio.sleep(dice.uniform(0.0, 2.0 if long else 0.5))
                await asyncio.gather(*sending)
                states = [(await ended(client, headers, id))["state"] for id in journal]
                altered = [
                    id
                    for id, digest in journal.items()
                    if await _stored_digest(client, headers, id) != digest
                ]
                me = (await client.get(f"{API}/users/me", headers=headers)).json()["id"]
                mine = (await client.get(f"{API}/users/{me}/mechanisms", headers=headers)).json()["total"]
    figure(
        f"{len(altered)} lost or altered of {len(journal)}, {mine - len(journal)} doubled; "
        f"{states.count('ready')} ready, {states.count('failed')} failed with a reason; {crew.kills} kills"
    )
    assert altered == []
    assert len(journal) == mine == count
    assert states == ["ready"] * count


async def _send(
    client: httpx.AsyncClient, headers: Mapping[str, str], seeds: Iterator[int], journal: dict[str, str]
) -> None:
    """Uploads clips one by one, each until it is acknowledged."""
    for seed in seeds:
        content = clip(seed)
        id = await until(partial(_acknowledged, client, headers, seed, content))
        journal[id] = sha256(content).hexdigest()
        await asyncio.sleep(0.4)


async def _acknowledged(
    client: httpx.AsyncClient, headers: Mapping[str, str], seed: int, content: bytes
) -> str | None:
    try:
        response = await upload(client, headers, content, f"clip {seed}", key=f"clip-{seed}")
    except httpx.TransportError:
        return None
    assert response.status_code in (202, 409, 503), response.text
    return str(response.json()["id"]) if response.status_code == 202 else None


async def _stored_digest(client: httpx.AsyncClient, headers: Mapping[str, str], id: str) -> str:
    response = await client.get(f"{API}/mechanisms/{id}/original", headers=headers)
    return sha256(response.raise_for_status().content).hexdigest()
