"""Reads of another's draft are in the audit log, once an hour however many requests a player or a page makes."""

from typing import Any

import pytest

from mechshare.domain.users import Role
from tests.http.conftest import API, Site

LOG = f"{API}/audit"


@pytest.fixture
async def draft(site: Site) -> dict[str, Any]:
    return await site.ready(await site.sign_up("sakura"), "draft")


async def reads(site: Site) -> list[tuple[str, str]]:
    """Returns the actor and the subject of each entry, newest first."""
    response = await site.client.get(f"{LOG}?action=draft_read", headers=site.tokens["admin"])
    return [(entry["actor_id"], entry["subject"]) for entry in response.json()["items"]]


@pytest.mark.parametrize("part", ["file", "processing", "events"])
async def test_a_part_of_anothers_draft_read_by_an_admin_is_recorded_once(
    site: Site, draft: dict[str, Any], part: str
) -> None:
    admin = await site.sign_up("admin", Role.ADMIN)
    path = f"{API}/mechanisms/{draft['id']}/processing"
    url = {"file": draft["file_url"].partition("?")[0], "processing": path, "events": f"{path}/events"}[part]

    for _ in range(3):
        response = await site.client.get(url, headers={**admin, "Range": "bytes=0-3"})
        assert response.is_success
    assert await reads(site) == [(site.ids["admin"], draft["id"])]


async def test_parts_of_a_draft_whose_read_is_recorded_add_no_entry(
    site: Site, draft: dict[str, Any]
) -> None:
    admin = await site.sign_up("admin", Role.ADMIN)
    path = f"{API}/mechanisms/{draft['id']}"
    await site.client.get(path, headers=admin)
    await site.client.get(f"{path}/processing", headers=admin)
    assert len(await reads(site)) == 1


async def test_a_withdrawn_mechanism_read_by_a_moderator_is_recorded_and_nobody_elses_read_is(
    site: Site,
) -> None:
    owner = await site.sign_up("sakura")
    moderator = await site.sign_up("aoi", Role.MODERATOR)
    await site.sign_up("admin", Role.ADMIN)
    shared = await site.published(owner)
    processing = f"{API}/mechanisms/{shared['id']}/processing"
    for viewer in ({}, owner, moderator):
        assert (await site.client.get(processing, headers=viewer)).is_success
    reason = {"reason": "not a mechanism"}
    await site.client.post(f"{API}/mechanisms/{shared['id']}/withdraw", headers=moderator, json=reason)

    await site.client.get(processing, headers=owner)
    assert await reads(site) == []
    await site.client.get(processing, headers=moderator)
    assert await reads(site) == [(site.ids["aoi"], shared["id"])]
