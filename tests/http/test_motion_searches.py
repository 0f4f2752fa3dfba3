"""Searches by the motion of a clip that is not kept, over HTTP."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mechshare.adapters.clock.frozen import FrozenClock
from mechshare.domain.motion_searches import MOTION_SEARCH_LIFETIME
from tests.http.conftest import API, Site
from tests.services.world import GIF

PATH = f"{API}/search/by-motion"
CLIP = {"file": ("clip.gif", GIF, "image/gif")}


async def begun(site: Site, headers: dict[str, str]) -> dict[str, Any]:
    response = await site.client.post(PATH, headers=headers, files=CLIP)
    assert response.status_code == 202, response.text
    made: dict[str, Any] = response.json()
    assert response.headers["Location"] == f"{PATH}/{made['id']}"
    return made


async def found(site: Site, made: dict[str, Any], headers: dict[str, str]) -> dict[str, Any]:
    response = await site.client.get(f"{PATH}/{made['id']}", headers=headers)
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


async def stored(site: Site) -> list[str]:
    return [key async for key in site.adapters.blobs.list("originals/")]


async def used(site: Site, headers: dict[str, str]) -> int:
    me = (await site.client.get(f"{API}/users/me", headers=headers)).json()
    bytes_used: int = me["quota"]["bytes_used"]
    return bytes_used


async def test_a_search_finds_what_moves_alike_and_keeps_no_clip(site: Site) -> None:
    mika, rei = await site.sign_up("mika"), await site.sign_up("rei")
    await site.published(rei, "same")
    before = await stored(site)
    made = await begun(site, mika)
    assert (made["processing"]["state"], made["motion"], made["items"]) == ("pending", None, [])
    assert await used(site, mika) == len(GIF)
    assert len(await stored(site)) == len(before) + 1

    await site.work()
    result = await found(site, made, mika)
    assert result["processing"]["state"] == "ready"
    assert (result["motion"]["kind"], result["motion"]["period_s"]) == ("loop", 2.4)
    ((title, likeness),) = [(one["mechanism"]["title"], one["likeness"]) for one in result["items"]]
    assert (title, likeness) == ("same", 1.0)
    assert await stored(site) == before
    assert await used(site, mika) == 0


async def test_a_search_shows_only_what_its_user_may_find(site: Site) -> None:
    mika, rei = await site.sign_up("mika"), await site.sign_up("rei")
    await site.ready(rei, "draft of another")
    await site.ready(mika, "own draft")
    made = await begun(site, mika)
    await site.work()
    assert [one["mechanism"]["title"] for one in (await found(site, made, mika))["items"]] == ["own draft"]


async def test_a_search_is_absent_for_others_and_after_its_lifetime(open_site: Any) -> None:
    clock = FrozenClock(datetime.now(UTC))
    site: Site = await open_site(clock=clock)
    mika, rei = await site.sign_up("mika"), await site.sign_up("rei")
    made = await begun(site, mika)
    for path, headers in ((f"{PATH}/{made['id']}", rei), (f"{PATH}/x", mika)):
        response = await site.client.get(path, headers=headers)
        assert (response.status_code, response.json()["code"]) == (404, "MOTION_SEARCH_NOT_FOUND")

    clock.advance(MOTION_SEARCH_LIFETIME + timedelta(seconds=1))
    again = await site.client.post(
        f"{API}/auth/login", json={"username": "mika", "password": "four-bar linkage"}
    )
    mika = {"Authorization": f"Bearer {again.json()['access_token']}"}
    assert (await site.client.get(f"{PATH}/{made['id']}", headers=mika)).status_code == 404


async def test_the_clip_of_a_deleted_account_is_deleted(site: Site) -> None:
    mika = await site.sign_up("mika")
    await begun(site, mika)
    ended = await site.client.request(
        "DELETE", f"{API}/users/me", headers={**mika, "If-Match": "*"}, json={"password": "four-bar linkage"}
    )
    assert ended.status_code == 204, ended.text
    await site.work()
    assert await stored(site) == []


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"%PDF-1.7\n", 415, "NOT_A_CLIP"),
        (b"no clip", 415, "UNSUPPORTED_FILE"),
        (GIF + bytes(2_000), 413, "FILE_TOO_LARGE"),
    ],
)
async def test_a_refused_file_leaves_nothing(open_site: Any, content: bytes, status: int, code: str) -> None:
    site: Site = await open_site(max_upload_bytes=len(GIF) + 1_000)
    headers = await site.sign_up("mika")
    response = await site.client.post(PATH, headers=headers, files={"file": ("x", content)})
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert await stored(site) == []


async def test_a_form_with_other_fields_is_refused(site: Site) -> None:
    headers = await site.sign_up("mika")
    response = await site.client.post(PATH, headers=headers, files=CLIP, data={"user_id": "x"})
    assert (response.status_code, response.json()["details"][0]["field"]) == (400, "user_id")
    assert await stored(site) == []


async def test_a_search_counts_against_the_quota_of_its_user(open_site: Any) -> None:
    site: Site = await open_site(user_quota_bytes=len(GIF) + 10)
    headers = await site.sign_up("mika")
    await begun(site, headers)
    response = await site.client.post(PATH, headers=headers, files=CLIP)
    assert (response.status_code, response.json()["code"]) == (413, "QUOTA_EXCEEDED")
    await site.work()
    await begun(site, headers)
