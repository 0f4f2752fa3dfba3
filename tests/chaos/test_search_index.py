"""The search index is deleted while everything runs: it is rebuilt without an operator."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from tests.chaos.installation import API, Installation, installed, signed_up, until


async def test_a_deleted_index_is_rebuilt_automatically(
    profile: str, long: bool, figure: Callable[[str], None], tmp_path: Path
) -> None:
    count = 500 if long else 25
    async with installed(profile, tmp_path) as installation, installation.visitor() as client:
        with installation.serving():
            await installation.ready()
            headers = await signed_up(client)
            for number in range(count):
                await _share(client, headers, f"歯車 {number}")
            await until(lambda: _finds(client, count))

            await _wipe(installation)
            await _share(client, headers, "歯車 after")
            await until(lambda: _finds(client, count + 1))
    figure(f"{count + 1} of {count + 1} found again; nobody lent a hand")


async def _share(client: httpx.AsyncClient, headers: dict[str, str], title: str) -> None:
    """Publishes a mechanism whose clip is hosted elsewhere."""
    urls = {"file_url": "https://example.com/a.mp4", "thumbnail_url": "https://example.com/a.webp"}
    made = await client.post(
        f"{API}/mechanisms", headers=headers, json={"title": title, "duration": 1.0, **urls}
    )
    page = await client.post(f"{API}/mechanisms/{made.json()['id']}/publish", headers=headers)
    assert page.status_code == 200, page.text


async def _finds(client: httpx.AsyncClient, count: int) -> bool | None:
    page = (await client.get(f"{API}/search/mechanisms", params={"q": "歯車"})).json()
    return (page["total"] == count and not page["degraded"]) or None


async def _wipe(installation: Installation) -> None:
    """Deletes the index, whatever the server does with it: it may remove a file or retire an old copy meanwhile."""
    url = installation.environ.get("MECHSHARE_SEARCH_URL")
    if url is None:
        for path in Path(installation.environ["MECHSHARE_DATA"]).glob("search.db*"):
            path.unlink(missing_ok=True)
        return
    server, alias = f"http://{urlsplit(url).netloc}", urlsplit(url).path.strip("/")
    async with httpx.AsyncClient(base_url=server, timeout=30) as client:
        for index in (await client.get(f"/_alias/{alias}-every")).json():
            deleted = await client.delete(f"/{index}")
            assert deleted.status_code in {200, 404}, deleted.text
