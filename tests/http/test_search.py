"""/search over HTTP"""

from typing import Any

import pytest

from mechshare.adapters.search.memory import MemorySearchIndex
from mechshare.bootstrap import schemes
from mechshare.domain.jobs import JobKind, new_job
from mechshare.domain.search import MAX_EXCLUDED
from mechshare.domain.users import Role
from mechshare.testing.search.contract import document
from tests.http.conftest import API, Site
from tests.services.faults import FaultyIndex

SEARCH = f"{API}/search/mechanisms"
SUGGEST = f"{API}/search/suggest"


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> FaultyIndex:
    index = FaultyIndex(MemorySearchIndex())
    monkeypatch.setitem(schemes.SEARCH_INDEXES, "faulty", lambda url, settings: index)
    return index


@pytest.fixture
async def site(open_site: Any, index: FaultyIndex) -> Site:
    opened: Site = await open_site(search_url="faulty:")
    return opened


async def test_a_search_returns_highlights_and_counts(site: Site) -> None:
    headers = await site.sign_up("sakura")
    shared = await site.published(headers, "遊星歯車", categories="gears")

    response = await site.client.get(SEARCH, params={"q": "歯車"})

    found = response.json()
    assert response.headers["cache-control"] == "public, no-cache"
    assert [item["mechanism"]["id"] for item in found["items"]] == [shared["id"]]
    assert found["items"][0]["highlights"]["title"] == [
        {"text": "遊星", "is_match": False},
        {"text": "歯車", "is_match": True},
    ]
    assert (found["total"], found["total_is_exact"]) == (1, True)
    assert (found["facets"], found["degraded"]) == ({"gears": 1}, False)


@pytest.mark.parametrize("is_down", [False, True])
async def test_author_time_duration_and_motion_narrow_a_search(
    site: Site, index: FaultyIndex, is_down: bool
) -> None:
    mine, other = await site.sign_up("sakura"), await site.sign_up("aoi")
    shared = await site.published(mine, "crank")
    theirs = await site.published(other, "crank")
    seconds, created = shared["duration"], shared["created_at"]
    index.is_down = is_down

    async def keys(**narrowed: str) -> list[str]:
        items = (await find(site, "crank", **narrowed))["items"]
        return sorted(item["mechanism"]["id"] for item in items)

    everything = sorted([shared["id"], theirs["id"]])
    assert await keys(author="Sakura") == [shared["id"]]
    assert await keys(author="aoi", user_id=site.ids["sakura"]) == []
    assert await keys(author="nobody") == await keys(author="sakura@example.com") == []
    assert await keys(created_from=created, duration_min=seconds, duration_max=seconds) == everything
    assert await keys(created_before="2020-01-01T00:00:00+09:00") == []
    assert await keys(duration_min="100") == await keys(duration_max="0.001") == []
    assert await keys(period_min="2.4", period_max="2.4", loops="true", motion="loop") == everything
    assert await keys(period_min="2.5") == await keys(loops="false") == await keys(motion="still") == []


@pytest.mark.parametrize("is_down", [False, True])
async def test_what_authors_state_narrows_and_orders_a_search(
    site: Site, index: FaultyIndex, is_down: bool
) -> None:
    mika = await site.sign_up("mika")
    stated = {"reliability_reason": "tried", "categories": "gears"}
    for title, level in (("crank a", "2"), ("crank b", "5")):
        await site.published(mika, title, reliability_level=level, license="MIT", **stated)
    await site.published(mika, "crank c", parameters="stroke = 12 mm", categories="gears")
    index.is_down = is_down

    async def titles(query: str) -> list[str]:
        items = (await site.client.get(f"{SEARCH}?q=crank&sort=-reliability&{query}")).json()["items"]
        return [item["mechanism"]["title"] for item in items]

    assert await titles("") == ["crank b", "crank a", "crank c"]
    assert await titles("reliability_min=3&category=gears") == ["crank b"]
    assert await titles("reliability_min=3&category=cams") == []
    assert await titles("license=mit") == ["crank b", "crank a"]
    assert await titles("param.stroke=1cm..2cm") == ["crank c"]
    found = (await site.client.get(f"{SEARCH}?q=crank&category=gears")).json()
    assert found["levels"] == ({} if is_down else {"5": 1, "2": 1, "not_stated": 1})
    assert found["motions"] == ({} if is_down else {"loop": 3})
    walk = [first := await site.client.get(f"{SEARCH}?q=crank&sort=-reliability&reliability_min=1&limit=1")]
    walk.append(await site.client.get(first.links["next"]["url"]))
    assert [one.json()["items"][0]["mechanism"]["title"] for one in walk] == ["crank b", "crank a"]


@pytest.mark.parametrize(
    ("field", "narrowed"),
    [
        ("created_from", {"created_from": "yesterday"}),
        (
            "created_before",
            {"created_from": "2026-02-01T00:00:00Z", "created_before": "2026-01-01T00:00:00Z"},
        ),
        ("duration_min", {"duration_min": "-1"}),
        ("duration_min", {"duration_min": "nan"}),
        ("duration_max", {"duration_max": "long"}),
        ("duration_max", {"duration_min": "2", "duration_max": "1"}),
        ("period_max", {"period_min": "2", "period_max": "1"}),
    ],
)
async def test_an_invalid_bound_is_refused_at_its_field(
    site: Site, field: str, narrowed: dict[str, str]
) -> None:
    response = await site.client.get(SEARCH, params=narrowed)

    assert response.status_code == 400
    assert [detail["field"] for detail in response.json()["details"]] == [field]


@pytest.mark.parametrize("is_down", [False, True])
async def test_the_next_of_a_search_leads_to_every_match_once(
    site: Site, index: FaultyIndex, is_down: bool
) -> None:
    headers = await site.sign_up("sakura")
    shared = [(await site.published(headers, f"crank {number}"))["id"] for number in range(5)]
    await site.published(headers, "rack")
    index.is_down = is_down
    walked: list[str] = []
    address = f"{SEARCH}?q=crank&limit=2&user_id={site.ids['sakura']}"
    while address:
        response = await site.client.get(address)
        page = response.json()
        walked += [item["mechanism"]["id"] for item in page["items"]]
        assert page["page"] == (len(walked) + 1) // 2
        # The walk stays in the order of the database once it has begun there.
        index.is_down = False
        address = response.links["next"]["url"] if page["next"] else ""

    assert sorted(walked) == sorted(shared)


async def test_a_cursor_belongs_to_one_search(site: Site) -> None:
    headers = await site.sign_up("sakura")
    for number in range(2):
        await site.published(headers, f"crank {number}")
    cursor = (await find(site, "crank", limit="1"))["next"]

    for other in ({"q": "rack"}, {"q": "crank", "sort": "-created_at"}, {"q": "crank", "duration_max": "1"}):
        response = await site.client.get(SEARCH, params={**other, "cursor": cursor})
        assert response.status_code == 400
        assert [detail["field"] for detail in response.json()["details"]] == ["cursor"]


async def test_a_search_without_a_match_says_what_finds_something(site: Site) -> None:
    headers = await site.sign_up("sakura")
    await site.published(headers, "cam", categories="cams")
    await site.sign_up("aoi")

    misspelt = await find(site, "camm")
    narrowed = await find(site, "cam", category="gears", author="aoi")
    unfound = await find(site, "xyzzy", category="gears")
    good = await find(site, "cam")

    assert misspelt["suggestions"] == {"spellings": ["cam", "cams"], "without": {}}
    assert narrowed["suggestions"] == {"spellings": [], "without": {"all": 1}}
    assert (await find(site, "cam", author="aoi"))["suggestions"]["without"] == {"author": 1}
    assert unfound["suggestions"] == good["suggestions"] == {"spellings": [], "without": {}}


async def test_no_draft_and_no_indexed_secret_is_proposed(site: Site) -> None:
    headers = await site.sign_up("sakura")
    made = await site.published(headers, "zorp")
    withdrawn = await site.client.post(f"{API}/mechanisms/{made['id']}/withdraw", headers=headers)
    assert withdrawn.status_code == 200
    await site.work()

    assert (await find(site, "zorpp"))["suggestions"]["spellings"] == []


@pytest.mark.parametrize("change", ["withdrawn", "edited", "deleted"])
async def test_stuck_index_jobs_show_nothing_of_what_was_taken_back(site: Site, change: str) -> None:
    headers = await site.sign_up("sakura")
    moderator = await site.sign_up("aoi", Role.MODERATOR)
    shared = await site.published(headers, "secret gear", description="brass", categories="gears")
    known = await site.published(headers, "known gear", categories="gears")
    await find(site, "gear")  # cached from here on
    await suggest(site, "se")
    mechanism = f"{API}/mechanisms/{shared['id']}"
    current = (await site.client.get(mechanism)).headers["etag"]

    if change == "withdrawn":
        reason = {"reason": "not a mechanism"}
        done = await site.client.post(f"{mechanism}/withdraw", headers=moderator, json=reason)
    elif change == "edited":
        new = {"title": "rocker", "description": "", "categories": ["cams"]}
        done = await site.client.patch(mechanism, headers={**headers, "If-Match": current}, json=new)
    else:
        done = await site.client.delete(mechanism, headers={**headers, "If-Match": current})
    assert done.is_success, done.text

    for text in ("secret", "brass"):
        found = await find(site, text)
        assert (found["items"], found["total"], found["facets"]) == ([], 0, {})
    found = await find(site, "gear")
    assert [item["mechanism"]["id"] for item in found["items"]] == [known["id"]]
    assert (found["total"], found["facets"], found["degraded"]) == (1, {"gears": 1}, False)
    assert await suggest(site, "se") == []


@pytest.mark.parametrize("is_unlisted", [False, True])
async def test_an_index_restored_from_a_copy_shows_nothing_that_was_taken_back(
    site: Site, index: FaultyIndex, is_unlisted: bool
) -> None:
    headers = await site.sign_up("sakura")
    shared = await site.published(headers, "secret gear")
    mechanism, edit = f"{API}/mechanisms/{shared['id']}", {**headers, "If-Match": "*"}
    before = (await site.client.get(mechanism)).json()["version"]
    if is_unlisted:
        done = await site.client.put(f"{mechanism}/visibility", headers=edit, json={"visibility": "unlisted"})
    else:
        done = await site.client.patch(mechanism, headers=edit, json={"title": "rocker"})
    assert done.is_success, done.text
    await site.work()
    now = (await site.client.get(mechanism)).json()["version"]  # cached from here on

    for version in (before, now) if is_unlisted else (before,):
        await index.wipe()
        await index.put([document(shared["id"], "secret gear", version=version)])
        found = await find(site, "secret", limit=str(version))
        assert (found["items"], found["total"], found["facets"]) == ([], 0, {})


async def test_a_search_is_degraded_while_too_many_changes_wait_for_the_index(site: Site) -> None:
    headers = await site.sign_up("sakura")
    shared = await site.published(headers, "crank")
    assert not (await find(site, "crank"))["degraded"]
    async with site.adapters.database.begin() as tx:
        now = site.adapters.clock.now()
        ids = [f"01900000-0000-7000-8000-{number:012}" for number in range(MAX_EXCLUDED + 1)]
        await tx.ledger.add(*(new_job(id, JobKind.INDEX_MECHANISM, id, now=now) for id in ids))

    found = await find(site, "crank", limit="1")

    assert found["degraded"]
    assert [item["mechanism"]["id"] for item in found["items"]] == [shared["id"]]
    await site.work()
    assert not (await find(site, "crank", limit="1"))["degraded"]


async def find(site: Site, text: str, **more: str) -> dict[str, Any]:
    response = await site.client.get(SEARCH, params={"q": text, **more})
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


async def suggest(site: Site, prefix: str) -> list[str]:
    titles: list[str] = (await site.client.get(SUGGEST, params={"q": prefix})).json()["items"]
    return titles


async def test_without_the_index_the_response_is_degraded_and_not_cacheable(
    site: Site, index: FaultyIndex
) -> None:
    headers = await site.sign_up("sakura")
    shared = await site.published(headers, "遊星歯車", categories="gears")
    index.is_down = True

    for viewer in ({}, headers):
        response = await site.client.get(SEARCH, params={"q": "歯車", "category": "gears"}, headers=viewer)

        assert (response.status_code, response.headers["cache-control"]) == (200, "no-store")
        found = response.json()
        assert [item["mechanism"]["id"] for item in found["items"]] == [shared["id"]]
        assert (found["total"], found["total_is_exact"]) == (1, False)
        assert (found["facets"], found["degraded"]) == ({}, True)
        assert found["items"][0]["highlights"] == {}


async def test_a_degraded_response_does_not_outlive_the_fault(site: Site, index: FaultyIndex) -> None:
    headers = await site.sign_up("sakura")
    await site.published(headers, "Spur gears")
    mine = {"q": "gear", "user_id": site.ids["sakura"]}
    index.is_down = True
    assert (await site.client.get(SEARCH, params={"q": "gear"})).json()["degraded"]
    assert (await site.client.get(SEARCH, params=mine, headers=headers)).json()["degraded"]
    index.is_down = False

    for params, viewer in (({"q": "gear"}, {}), (mine, headers)):
        found = (await site.client.get(SEARCH, params=params, headers=viewer)).json()
        assert (found["degraded"], found["total"]) == (False, 1)
        assert found["items"][0]["highlights"]


async def test_a_cached_response_is_served_while_the_index_is_down(site: Site, index: FaultyIndex) -> None:
    headers = await site.sign_up("sakura")
    await site.published(headers, "Spur gears")
    before = await site.client.get(SEARCH, params={"q": "gear"})
    index.is_down = True

    after = await site.client.get(SEARCH, params={"q": "gear"})

    assert after.json() == before.json()
    assert not after.json()["degraded"]


async def test_suggestions_say_whether_there_may_be_more(site: Site, index: FaultyIndex) -> None:
    headers = await site.sign_up("sakura")
    await site.published(headers, "Geneva drive")

    good = await site.client.get(SUGGEST, params={"q": "gen"})
    index.is_down = True
    bad = await site.client.get(SUGGEST, params={"q": "dri"})

    assert good.json()["suggestions"][:1] == [{"kind": "title", "text": "Geneva drive"}]
    assert (good.json()["items"], good.json()["degraded"]) == (["Geneva drive"], False)
    assert bad.json() == {"items": [], "suggestions": [], "degraded": True}
    assert (good.headers["cache-control"], bad.headers["cache-control"]) == ("public, no-cache", "no-store")


async def test_suggestions_are_cached_until_a_title_is_added_or_removed(
    site: Site, index: FaultyIndex
) -> None:
    headers = await site.sign_up("sakura")

    async def suggested(headers: dict[str, str] | None = None) -> list[str]:
        response = await site.client.get(SUGGEST, params={"q": "gen"}, headers=headers)
        items: list[str] = response.json()["items"]
        return items

    first = await site.published(headers, "Geneva drive")
    await suggested()
    index.is_down = True
    assert await suggested() == ["Geneva drive"]
    index.is_down = False

    await site.published(headers, "Geneva wheel")
    # Those of a signed-in caller are not cached, and so never outdated.
    assert await suggested(headers) == ["Geneva drive", "Geneva wheel"]

    address = f"{API}/mechanisms/{first['id']}"
    await site.client.delete(address, headers={**headers, "If-Match": "*"})
    await site.work()
    assert await suggested() == ["Geneva wheel"]


async def test_degraded_suggestions_do_not_outlive_the_fault(site: Site, index: FaultyIndex) -> None:
    headers = await site.sign_up("sakura")
    await site.published(headers, "Geneva drive")
    index.is_down = True
    assert (await site.client.get(SUGGEST, params={"q": "gen"})).json()["degraded"]
    index.is_down = False

    found = (await site.client.get(SUGGEST, params={"q": "gen"})).json()

    assert (found["items"], found["degraded"]) == (["Geneva drive"], False)


async def test_categories_authors_and_terms_are_suggested_with_their_kind(open_site: Any) -> None:
    site = await open_site()
    await site.published(await site.sign_up("camille"), "Camera shutter")

    response = await site.client.get(SUGGEST, params={"q": "cam", "limit": "8"})

    found = {(each["kind"], each["text"]) for each in response.json()["suggestions"]}
    assert {
        ("title", "Camera shutter"),
        ("author", "camille"),
        ("category", "Cams"),
        ("term", "cam"),
    } <= found
    fewer = await site.client.get(SUGGEST, params={"q": "cam", "limit": "1"})
    assert [each["kind"] for each in fewer.json()["suggestions"]] == ["title"]


@pytest.mark.parametrize("query", ["歯車", "gears", "author:gear", "gear -worm"])
async def test_the_database_finds_other_names_and_forms_of_a_word(
    site: Site, index: FaultyIndex, query: str
) -> None:
    shared = await site.published(await site.sign_up("sakura"), "Brass gear")
    index.is_down = True

    found = await find(site, query)

    assert [item["mechanism"]["id"] for item in found["items"]] == [shared["id"]]
    assert found["degraded"]
    assert (await find(site, "モーター"))["items"] == []
