"""Finding mechanisms by a clip on a page."""

import httpx

from tests.http.conftest import Site
from tests.services.world import GIF
from tests.web.reading import OPEN, SUBMIT

_WAITS = 'http-equiv="refresh"'


async def sent(site: Site, headers: dict[str, str], content: bytes) -> httpx.Response:
    files = {"file": ("clip.gif", content, "image/gif")}
    return await site.client.post("/by-motion", headers={**SUBMIT, **headers}, files=files)


async def test_a_person_finds_mechanisms_by_a_clip(site: Site) -> None:
    headers = await site.sign_up("mika")
    await site.published(headers, "四節リンク")
    assert 'href="/by-motion"' in (await site.client.get("/", headers=OPEN)).text

    begun = await sent(site, headers, GIF)
    assert begun.status_code == 303, begun.text
    address = begun.headers["location"]
    assert _WAITS in (await site.client.get(address, headers={**OPEN, **headers})).text
    await site.work()
    shown = (await site.client.get(address, headers={**OPEN, **headers})).text
    assert "四節リンク" in shown
    assert _WAITS not in shown


async def test_a_refused_clip_shows_the_form_again(site: Site) -> None:
    refused = await sent(site, await site.sign_up("mika"), b"no clip")
    assert refused.status_code == 415
    assert 'type="file"' in refused.text
    assert 'role="alert"' in refused.text
