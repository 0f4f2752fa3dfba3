"""Storage quotas and the disk reserve over HTTP."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from mechshare.adapters.disks.memory import MemoryDisks
from mechshare.domain.disks import DiskSpace
from mechshare.domain.users import Role
from tests.http.conftest import API, Site
from tests.services.world import GIF

LIMIT = 100_000


def a_file(size: int) -> bytes:
    return GIF.ljust(size, b"\x00")


async def share(site: Site, headers: dict[str, str], content: bytes, **more: str) -> httpx.Response:
    return await site.client.post(
        f"{API}/mechanisms",
        headers={**headers, **more},
        data={"title": "歯車"},
        files={"file": ("clip.gif", content, "image/gif")},
    )


async def quota(site: Site, headers: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = (await site.client.get(f"{API}/users/me", headers=headers)).json()["quota"]
    return found


@pytest.fixture
async def limited(open_site: Any) -> tuple[Site, dict[str, str]]:
    site = await open_site(user_quota_bytes=LIMIT)
    return site, await site.sign_up("mika")


async def test_the_account_shows_its_quota_and_the_refusal_both_figures(
    limited: tuple[Site, dict[str, str]],
) -> None:
    site, mika = limited
    assert await quota(site, mika) == {"bytes_used": 0, "bytes_limit": LIMIT}
    first = await share(site, mika, a_file(60_000))
    assert first.status_code == 202
    refused = await share(site, mika, a_file(60_000), **{"Accept-Language": "ja"})
    assert (refused.status_code, refused.json()["code"]) == (413, "QUOTA_EXCEEDED")
    assert "60000" in refused.json()["message"]
    assert str(LIMIT) in refused.json()["message"]
    assert await quota(site, mika) == {"bytes_used": 60_000, "bytes_limit": LIMIT}

    exactly = await share(site, mika, a_file(LIMIT - 60_000))
    assert exactly.status_code == 202
    etag = exactly.headers["etag"]
    gone = await site.client.delete(exactly.headers["location"], headers={**mika, "If-Match": etag})
    assert gone.status_code == 204
    assert (await quota(site, mika))["bytes_used"] == 60_000


async def test_an_upload_without_a_length_is_counted_while_it_arrives(
    limited: tuple[Site, dict[str, str]],
) -> None:
    site, mika = limited

    async def form() -> AsyncIterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="title"\r\n\r\nt\r\n'
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n' + GIF
        for _ in range(20):
            yield bytes(10_000)
        yield b"\r\n--x--\r\n"

    headers = {**mika, "Content-Type": "multipart/form-data; boundary=x"}
    refused = await site.client.post(f"{API}/mechanisms", headers=headers, content=form())
    assert (refused.status_code, refused.json()["code"]) == (413, "QUOTA_EXCEEDED")
    assert (await quota(site, mika))["bytes_used"] == 0


async def test_concurrent_junk_does_not_pass_the_quota(limited: tuple[Site, dict[str, str]]) -> None:
    site, mika = limited
    responses = await asyncio.gather(*(share(site, mika, a_file(70_000)) for _ in range(6)))
    assert sorted(one.status_code for one in responses) == [202] + [413] * 5
    assert await quota(site, mika) == {"bytes_used": 70_000, "bytes_limit": LIMIT}


@pytest.mark.parametrize("fields", [{"title": ""}, {"title": "t", "unknown": "x"}, {}])
async def test_a_refused_form_releases_its_bytes(
    limited: tuple[Site, dict[str, str]], fields: dict[str, str]
) -> None:
    site, mika = limited
    refused = await site.client.post(
        f"{API}/mechanisms", headers=mika, data=fields, files={"file": ("f", a_file(50_000))}
    )
    assert refused.status_code in (400, 422)
    assert (await quota(site, mika))["bytes_used"] == 0


async def test_a_repeated_idempotent_upload_counts_once(limited: tuple[Site, dict[str, str]]) -> None:
    site, mika = limited
    for _ in range(2):
        shared = await share(site, mika, a_file(50_000), **{"Idempotency-Key": "same"})
        assert shared.status_code == 202
    assert (await quota(site, mika))["bytes_used"] == 50_000


async def test_an_admin_changes_the_quota_of_a_user(limited: tuple[Site, dict[str, str]]) -> None:
    site, mika = limited
    boss = {**await site.sign_up("boss", Role.ADMIN), "If-Match": "*"}
    found = []
    for size in (500_000, 0, None):
        path = f"{API}/users/{site.ids['mika']}"
        changed = await site.client.patch(path, headers=boss, json={"quota_bytes": size})
        assert (changed.status_code, changed.json()["quota_bytes"]) == (200, size)
        found.append((await quota(site, mika))["bytes_limit"])
    assert found == [500_000, None, LIMIT]
    refused = await site.client.patch(path, headers=boss, json={"quota_bytes": -1})
    assert (refused.status_code, refused.json()["code"]) == (422, "INVALID_FIELD")


async def test_a_change_of_the_profile_shows_the_quota_too(limited: tuple[Site, dict[str, str]]) -> None:
    site, mika = limited
    changed = await site.client.patch(
        f"{API}/users/me", headers={**mika, "If-Match": "*"}, json={"bio": "gears"}
    )
    assert changed.json()["quota"] == {"bytes_used": 0, "bytes_limit": LIMIT}


async def test_below_the_disk_reserve_only_uploads_are_refused(open_site: Any) -> None:
    full = MemoryDisks(DiskSpace(place="/srv", free_bytes=99, reserve_bytes=100))
    site = await open_site(disks=full)
    mika = await site.sign_up("mika")
    refused = await share(site, mika, GIF)
    assert (refused.status_code, refused.json()["code"]) == (507, "DISK_RESERVE_REACHED")
    edited = await site.client.patch(
        f"{API}/users/me", headers={**mika, "If-Match": "*"}, json={"bio": "gears"}
    )
    assert edited.status_code == 200
    assert (await site.client.get("/health/ready?for=uploads")).status_code == 503
    ready = await site.client.get("/health/ready")
    assert (ready.status_code, ready.json()["status"]) == (200, "degraded")


@pytest.mark.parametrize(
    ("own", "of_group", "limit"),
    [(None, 500, 500), (900, 500, 900), (300, 500, 500), (300, 0, None), (300, None, 300)],
)
async def test_a_member_has_the_larger_of_the_own_and_the_groups_quota(
    open_site: Any, own: int | None, of_group: int | None, limit: int | None
) -> None:
    site = await open_site(user_quota_bytes=100)
    headers, admin = await site.sign_up("mika"), await site.sign_up("hana", Role.ADMIN)
    sent = {**admin, "If-Match": "*"}
    if own is not None:
        user = f"{API}/users/{site.ids['mika']}"
        assert (await site.client.patch(user, json={"quota_bytes": own}, headers=sent)).status_code == 200
    group = (await site.client.post(f"{API}/groups", json={"name": "設計課"}, headers=headers)).json()
    body = {"member_quota_bytes": of_group}
    path = f"{API}/groups/{group['id']}"
    changed = await site.client.put(f"{path}/quota", json=body, headers=sent)
    assert (changed.status_code, changed.json()["member_quota_bytes"]) == (200, of_group)
    refused = await site.client.put(f"{path}/quota", json=body, headers={**headers, "If-Match": "*"})
    assert refused.status_code == 403
    account = (await site.client.get(f"{API}/users/me", headers=headers)).json()
    assert account["quota"]["bytes_limit"] == limit
    await site.client.delete(path, headers={**headers, "If-Match": "*"})
    account = (await site.client.get(f"{API}/users/me", headers=headers)).json()
    assert account["quota"]["bytes_limit"] == (own or 100)
