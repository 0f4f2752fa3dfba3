"""Views over restarts: a process that ends writes what it noted, one that is killed loses ten seconds at most, and
none is counted twice."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.chaos.installation import API, installed, signed_up, until

ELSEWHERE = {
    "title": "Cam",
    "file_url": "https://example.com/a.mp4",
    "thumbnail_url": "https://example.com/a.webp",
}


async def published(client: httpx.AsyncClient, headers: Mapping[str, str]) -> str:
    body = {**ELSEWHERE, "duration": 1.5}
    made = await client.post(f"{API}/mechanisms", headers=headers, json=body)
    id: str = made.raise_for_status().json()["id"]
    (await client.post(f"{API}/mechanisms/{id}/publish", headers=headers)).raise_for_status()
    return id


async def looked_at(installation: Any, id: str, viewers: range) -> None:
    """Shows the mechanism to these viewers, to each over two connections, of which any process may take either."""
    for _ in range(2):
        async with installation.visitor() as client:
            for viewer in viewers:
                headers = {"User-Agent": f"browser {viewer}", "Connection": "close"}
                (await client.get(f"{API}/mechanisms/{id}", headers=headers)).raise_for_status()


async def views_of(client: httpx.AsyncClient, headers: Mapping[str, str], id: str) -> int:
    """Returns how many views by others are written."""
    found = await client.get(f"{API}/mechanisms/{id}/stats", headers=headers)
    return sum(day["views"] - day["own_views"] for day in found.raise_for_status().json()["days"])


@pytest.mark.short_form_on("embedded")
async def test_views_are_counted_once_over_processes_and_restarts(profile: str, tmp_path: Path) -> None:
    async with installed(profile, tmp_path) as installation, installation.visitor() as client:
        with installation.serving(workers=2) as server:
            await installation.ready()
            headers = await signed_up(client)
            id = await published(client, headers)
            await looked_at(installation, id, range(20))
            await asyncio.to_thread(server.terminate)
        with installation.serving(workers=2) as server:
            await installation.ready()
            headers = await signed_up(client)
            assert await views_of(client, headers, id) == 20
            await looked_at(installation, id, range(30))
            server.kill()
        with installation.serving(workers=2):
            await installation.ready()
            headers = await signed_up(client)
            written = await views_of(client, headers, id)
            assert 20 <= written <= 30
            await looked_at(installation, id, range(30, 35))

            async def counted() -> int | None:
                views = await views_of(client, headers, id)
                return views if views >= written + 5 else None

            assert await until(counted) == written + 5
    print(f"views written before the kill: {written} of 30")
