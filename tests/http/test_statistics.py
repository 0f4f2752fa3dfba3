"""Views, downloads and other numbers over HTTP."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mechshare.adapters.clock.frozen import FrozenClock
from mechshare.ports.cache import STALENESS
from mechshare.services.support.invalidation import counts_tag, mechanism_tag
from tests.http.conftest import API, Site

NOW = datetime.now(UTC)
TODAY = NOW.date()


@pytest.fixture
async def site(open_site: Any) -> Site:
    """A site on which no day ends during a test."""
    opened: Site = await open_site(clock=FrozenClock(NOW))
    return opened


def address_of(made: dict[str, Any]) -> str:
    return f"{API}/mechanisms/{made['id']}"


async def stats_of(site: Site, made: dict[str, Any], headers: dict[str, str]) -> dict[str, Any]:
    """Counts, and returns the numbers from a list of a signed-in user, which no cache holds back."""
    await site.application.statistics.refresh()
    listed = await site.client.get(f"{API}/mechanisms", headers=headers)
    (stats,) = [item["stats"] for item in listed.json()["items"] if item["id"] == made["id"]]
    return dict(stats)


async def days_of(site: Site, made: dict[str, Any], headers: dict[str, str]) -> dict[str, Any]:
    await site.application.statistics.refresh()
    found = await site.client.get(f"{address_of(made)}/stats", headers=headers)
    assert found.status_code == 200, found.text
    last: dict[str, Any] = found.json()["days"][-1]
    return last


async def test_a_viewer_counts_once_whether_page_api_or_client_show_the_mechanism(site: Site) -> None:
    mika, ana = await site.sign_up("mika"), await site.sign_up("ana")
    made = await site.published(mika)
    for _ in range(2):
        assert (await site.client.get(address_of(made))).status_code == 200  # the second from the cache
        assert (await site.client.get(f"/m/{made['id']}")).status_code == 200
        assert (await site.client.get(address_of(made), headers=ana)).status_code == 200
        assert (await site.client.post(f"{address_of(made)}/views", headers=ana)).status_code == 204
        await site.client.get(address_of(made), headers=mika)
    day = await days_of(site, made, mika)
    assert day == {"day": str(TODAY), "views": 3, "own_views": 1, "downloads": 0, "own_downloads": 0}


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("HEAD", {}),
        ("GET", {"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"}),
        ("GET", {"User-Agent": ""}),
        ("GET", {"Sec-Purpose": "prefetch;prerender"}),
    ],
)
async def test_bots_prefetches_and_head_requests_count_as_no_view(
    site: Site, method: str, headers: dict[str, str]
) -> None:
    mika = await site.sign_up("mika")
    made = await site.published(mika)
    for _ in range(2):
        response = await site.client.request(method, address_of(made), headers=headers)
        assert response.status_code == 200
    day = await days_of(site, made, mika)
    assert day["views"] == day["own_views"] == 1  # of the owner, who has published it


async def test_a_download_counts_from_its_first_byte_on(site: Site) -> None:
    mika, ana = await site.sign_up("mika"), await site.sign_up("ana")
    made = await site.published(mika, original_offered="true")
    original = f"{address_of(made)}/original"
    later = await site.client.get(original, headers={**ana, "Range": "bytes=5-"})
    assert later.status_code == 206
    assert (await days_of(site, made, mika))["downloads"] == 0
    for part in ("bytes=0-3", "bytes=0-"):
        assert (await site.client.get(original, headers={**ana, "Range": part})).status_code == 206
    whole = await site.client.get(original, headers=mika)
    again = await site.client.get(original, headers={"If-None-Match": whole.headers["etag"]})
    assert (whole.status_code, again.status_code) == (200, 304)
    day = await days_of(site, made, mika)
    assert (day["downloads"], day["own_downloads"]) == (2, 1)


@pytest.mark.parametrize("offload", ["x-accel", "x-sendfile"])
async def test_a_download_that_the_proxy_sends_counts_from_its_first_byte_on(
    open_site: Any, tmp_path: Path, offload: str
) -> None:
    site = await open_site(
        clock=FrozenClock(NOW), media_offload=offload, blobs_url=f"file://{tmp_path}/blobs"
    )
    mika = await site.sign_up("mika")
    made = await site.published(mika, original_offered="true")
    for part, downloads in (("bytes=5-", 0), ("bytes=0-3", 1)):
        await site.client.get(f"{address_of(made)}/original", headers={"Range": part})
        assert (await days_of(site, made, mika))["downloads"] == downloads


async def test_an_attachment_is_a_download(site: Site) -> None:
    mika = await site.sign_up("mika")
    made = await site.published(mika)
    added = await site.client.post(
        f"{address_of(made)}/attachments", headers=mika, files={"file": ("a.step", b"ISO")}
    )
    assert (await site.client.get(added.json()["url"])).status_code == 200
    assert (await days_of(site, made, mika))["downloads"] == 1


async def test_numbers_change_no_version_and_an_edit_with_an_older_tag_is_accepted(site: Site) -> None:
    mika, ana = await site.sign_up("mika"), await site.sign_up("ana")
    made = await site.published(mika)
    before = await site.client.get(address_of(made), headers=mika)
    await site.client.put(f"{address_of(made)}/marks/like", headers=ana)
    claim = {"kind": "supports", "text": "Built and measured."}
    await site.client.post(f"{address_of(made)}/claims", headers=ana, json=claim)
    stats = await stats_of(site, made, mika)
    assert stats == {"likes": 1, "comments": 0, "views": 1, "downloads": 0, "evidence": 1}
    headers = {**mika, "If-Match": before.headers["etag"]}
    edited = await site.client.patch(address_of(made), headers=headers, json={"title": "Cam"})
    assert edited.status_code == 200
    assert edited.json()["version"] == made["version"] + 1
    assert edited.json()["stats"] == stats


@pytest.mark.parametrize("title", ["Cam", '"stats":{"likes":9}', '\\"stats\\":{}'])
async def test_a_cached_mechanism_with_new_numbers_equals_an_uncached_one(site: Site, title: str) -> None:
    mika, ana = await site.sign_up("mika"), await site.sign_up("ana")
    made = await site.published(mika, title)
    cached = await site.client.get(address_of(made))
    await site.client.put(f"{address_of(made)}/marks/like", headers=ana)
    await site.application.statistics.refresh()
    renewed = await site.client.get(address_of(made))
    await site.adapters.cache.invalidate(mechanism_tag(made["id"]))
    uncached = await site.client.get(address_of(made))
    assert (renewed.content, renewed.headers["etag"]) == (uncached.content, uncached.headers["etag"])
    assert (cached.json()["stats"]["likes"], renewed.json()["stats"]["likes"]) == (0, 1)
    edit = {"headers": {**mika, "If-Match": cached.headers["etag"]}, "json": {"title": "Gear"}}
    await site.client.patch(address_of(made), **edit)
    shown = (await site.client.get(address_of(made))).json()
    assert (shown["title"], shown["stats"]["likes"]) == ("Gear", 1)


async def test_what_a_cache_stores_for_a_moment_only_is_read_again_for_new_numbers(open_site: Any) -> None:
    """Such a process hears of no invalidations on other machines."""
    site: Site = await open_site(clock=FrozenClock(NOW))
    mika = await site.sign_up("mika")
    made = await site.published(mika)
    await site.client.get(address_of(made))
    cache: Any = site.adapters.cache
    cache.max_age = STALENESS
    async with site.adapters.database.begin() as tx:
        found = await tx.mechanisms.find_by_id(made["id"])
        assert found is not None
        await tx.mechanisms.save(replace(found, title="as another machine saved it"))
    await cache.refresh(counts_tag(made["id"]))
    await asyncio.sleep(STALENESS.total_seconds())
    assert (await site.client.get(address_of(made))).json()["title"] == "as another machine saved it"


async def test_lists_show_and_order_by_the_numbers(site: Site) -> None:
    mika, ana = await site.sign_up("mika"), await site.sign_up("ana")
    made = [await site.published(mika, title) for title in ("liked", "seen", "neither")]
    listed = f"{API}/mechanisms"
    for sort in ("popular", "views", "likes"):
        await site.client.get(listed, params={"sort": sort})
    await site.client.put(f"{address_of(made[0])}/marks/like", headers=ana)
    for headers in (ana, {}):
        await site.client.get(address_of(made[1]), headers=headers)
    await site.application.statistics.refresh()
    orders = {}
    for sort in ("popular", "views", "likes"):
        first = (await site.client.get(listed, params={"sort": sort, "limit": 1}, headers=ana)).json()
        cursor = {"sort": sort, "cursor": first["next"]}
        rest = (await site.client.get(listed, params=cursor, headers=ana)).json()
        orders[sort] = [item["title"] for item in (*first["items"], *rest["items"])]
    assert orders == {
        "popular": ["liked", "seen", "neither"],
        "views": ["seen", "neither", "liked"],
        "likes": ["liked", "neither", "seen"],
    }
    assert first["items"][0]["stats"]["likes"] == 1


async def test_a_deleted_account_likes_nothing(site: Site) -> None:
    mika, ana = await site.sign_up("mika"), await site.sign_up("ana")
    made = await site.published(mika)
    await site.client.put(f"{address_of(made)}/marks/like", headers=ana)
    assert (await stats_of(site, made, mika))["likes"] == 1
    me = await site.client.get(f"{API}/users/me", headers=ana)
    gone = await site.client.delete(f"{API}/users/me", headers={**ana, "If-Match": me.headers["etag"]})
    assert gone.status_code == 204
    assert (await stats_of(site, made, mika))["likes"] == 0


async def test_a_series_has_every_day_and_sums_up_what_a_user_has_made(site: Site) -> None:
    mika = await site.sign_up("mika")
    for _ in range(2):
        await site.published(mika)
    await site.application.statistics.refresh()
    days = {"from": str(TODAY - timedelta(days=2)), "to": str(TODAY + timedelta(days=1))}
    own = (await site.client.get(f"{API}/users/me/stats", headers=mika, params=days)).json()
    assert [(day["day"], day["views"]) for day in own["days"]] == [
        (str(TODAY + timedelta(days=number)), 2 if number == 0 else 0) for number in (-2, -1, 0, 1)
    ]
    assert (own["stats"]["views"], own["days"][2]["own_views"]) == (2, 2)


@pytest.mark.parametrize(
    "days",
    [
        {"from": "2026-03-02", "to": "2026-03-01"},
        {"from": "2024-01-01", "to": "2026-01-01"},
        {"from": "yesterday"},
        {"to": "2026-02-30"},
    ],
)
async def test_days_that_cannot_be_shown_are_refused_with_the_reason(
    site: Site, days: dict[str, str]
) -> None:
    mika = await site.sign_up("mika")
    refused = await site.client.get(f"{API}/users/me/stats", headers=mika, params=days)
    assert refused.status_code in (400, 422)
    assert refused.json()["details"][0]["field"] == next(iter(days))


@pytest.mark.parametrize("last", ["0001-01-01", "9999-12-31"])
async def test_the_first_and_last_days_of_the_calendar_are_accepted(site: Site, last: str) -> None:
    mika = await site.sign_up("mika")
    found = await site.client.get(f"{API}/users/me/stats", headers=mika, params={"to": last})
    assert found.json()["days"][-1]["day"] == last
