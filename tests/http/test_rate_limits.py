"""Expensive requests have their own limits."""

from typing import Any

import pytest

from tests.http.conftest import API, PASSWORD
from tests.services.world import GIF

SEARCH = f"{API}/search/mechanisms"


def account(name: str) -> dict[str, str]:
    return {"username": name, "email": f"{name}@example.com", "password": PASSWORD}


async def test_registrations_have_their_own_limit_for_each_address(open_site: Any) -> None:
    site = await open_site(
        requests_per_minute=1_000, trusted_proxies=("127.0.0.1",), registrations_per_hour=2
    )

    async def register(name: str, address: str) -> Any:
        return await site.client.post(
            f"{API}/auth/register", json=account(name), headers={"X-Forwarded-For": address}
        )

    statuses = [(await register(f"user{n}", f"2001:db8::{n}")).status_code for n in range(3)]
    refused = await register("user9", "2001:db8::9")
    elsewhere = await register("user9", "2001:db8:0:1::9")

    assert statuses == [201, 201, 429]
    assert 1 <= int(refused.headers["retry-after"]) <= 7200
    assert refused.json()["code"] == "TOO_MANY_REQUESTS"
    assert elsewhere.status_code == 201


@pytest.mark.parametrize("path", [SEARCH, f"{API}/search/suggest"])
async def test_searches_have_a_limit_that_other_requests_do_not_share(open_site: Any, path: str) -> None:
    site = await open_site(requests_per_minute=1_000, searches_per_minute=3)
    statuses = [(await site.client.get(path, params={"q": f"crank{n}"})).status_code for n in range(4)]
    assert statuses == [200, 200, 200, 429]
    assert (await site.client.get(f"{API}/mechanisms")).status_code == 200


async def test_uploads_and_retries_have_their_own_limits(open_site: Any) -> None:
    site = await open_site(requests_per_minute=1_000, uploads_per_hour=1, retries_per_hour=1)
    headers = await site.sign_up("sakura")
    body = {
        "title": "Four-bar",
        "file_url": "https://media.example/a.mp4",
        "thumbnail_url": "https://media.example/a.webp",
        "duration": 1.0,
    }
    created = [
        await site.client.post(f"{API}/mechanisms/from-url", json=body, headers=headers) for _ in range(2)
    ]
    path = f"{API}/mechanisms/{created[0].json()['id']}/processing/retry"
    retried = [(await site.client.post(path, headers=headers)).status_code for _ in range(2)]

    assert [response.status_code for response in created] == [201, 429]
    assert retried[0] != 429
    assert retried[1] == 429


async def test_retries_of_a_user_are_limited_over_all_addresses(open_site: Any) -> None:
    site = await open_site(requests_per_minute=1_000, trusted_proxies=("127.0.0.1",), retries_per_hour=2)
    sakura, mika = await site.sign_up("sakura"), await site.sign_up("mika")
    path = f"{API}/mechanisms/01900000-0000-7000-8000-0000000000ff/processing/retry"

    async def retry(headers: dict[str, str], number: int) -> Any:
        return await site.client.post(path, headers={**headers, "X-Forwarded-For": f"192.0.2.{number}"})

    statuses = [(await retry(sakura, number)).status_code for number in range(3)]
    refused, of_another = await retry(sakura, 9), await retry(mika, 9)

    assert statuses == [404, 404, 429]
    assert refused.json()["code"] == "TOO_MANY_REQUESTS"
    assert 1 <= int(refused.headers["retry-after"]) <= 7200
    assert of_another.status_code == 404


async def test_zero_means_no_limit(open_site: Any) -> None:
    site = await open_site(requests_per_minute=1_000, registrations_per_hour=0)
    for number in range(25):
        response = await site.client.post(f"{API}/auth/register", json=account(f"user{number}"))
        assert response.status_code == 201


async def test_requests_are_unlimited_without_a_limit(open_site: Any) -> None:
    site = await open_site(requests_per_minute=0, searches_per_minute=1)
    for number in range(3):
        assert (await site.client.get(SEARCH, params={"q": f"crank{number}"})).status_code == 200


async def test_unfinished_clips_have_a_limit_for_each_user(open_site: Any) -> None:
    site = await open_site(unfinished_clips_per_user=2)
    sakura, mika = await site.sign_up("sakura"), await site.sign_up("mika")

    async def upload(headers: dict[str, str], key: str = "") -> Any:
        once = {"Idempotency-Key": key} if key else {}
        return await site.client.post(
            f"{API}/mechanisms",
            headers={**headers, **once},
            data={"title": "Four-bar"},
            files={"file": ("a.gif", GIF)},
        )

    first = await upload(sakura, "first")
    statuses = [first.status_code, (await upload(sakura)).status_code]
    refused, refused_with_key = await upload(sakura), await upload(sakura, "third")
    repeated, of_another = await upload(sakura, "first"), await upload(mika)

    assert statuses == [202, 202]
    for refusal in (refused, refused_with_key):
        assert (refusal.status_code, refusal.json()["code"]) == (429, "TOO_MANY_UNFINISHED_CLIPS")
        assert int(refusal.headers["retry-after"]) == 30
    assert (repeated.status_code, repeated.json()["id"]) == (202, first.json()["id"])
    assert of_another.status_code == 202
    assert len([key async for key in site.adapters.blobs.list("originals/")]) == 3


async def test_a_finished_clip_makes_room_for_another(open_site: Any) -> None:
    site = await open_site(unfinished_clips_per_user=1)
    headers = await site.sign_up("sakura")
    for _ in range(3):
        await site.ready(headers)
