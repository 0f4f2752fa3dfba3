"""Categories in two levels, merged ones, and filters by any or all of several."""

from typing import Any

import httpx
import pytest

from mechshare.domain.users import Role
from tests.http.conftest import API, Site
from tests.http.test_access_matrix import ELSEWHERE

CATEGORIES, LIST, SEARCH = f"{API}/categories", f"{API}/mechanisms", f"{API}/search/mechanisms"


@pytest.fixture
async def admin(site: Site) -> dict[str, str]:
    return await site.sign_up("hana", Role.ADMIN)


async def titles(site: Site, path: str, headers: dict[str, str] | None = None, **query: Any) -> set[str]:
    response = await site.client.get(path, params=query, headers=headers)
    assert response.status_code == 200, response.text
    items = [one.get("mechanism", one) for one in response.json()["items"]]
    return {one["title"] for one in items}


async def counts(site: Site) -> dict[str, int]:
    items = (await site.client.get(CATEGORIES)).json()["items"]
    return {one["id"]: one["mechanism_count"] for one in items if one["mechanism_count"]}


async def send(
    site: Site, headers: dict[str, str], method: str, path: str, body: dict[str, Any]
) -> httpx.Response:
    return await site.client.request(
        method, f"{CATEGORIES}/{path}", json=body, headers={**headers, "If-Match": "*"}
    )


async def test_any_and_all_of_several_categories_in_list_search_feed_and_page(
    site: Site, admin: dict[str, str]
) -> None:
    for title, categories in (("one", "cams"), ("two", "springs"), ("both", "springs,cams")):
        await site.published(admin, title, categories=categories)
    chosen = {"category": ["cams", "springs"]}
    for path in (LIST, SEARCH):
        for headers in (None, admin):
            assert await titles(site, path, headers, **chosen) == {"one", "two", "both"}
            assert await titles(site, path, headers, **chosen, category_match="all") == {"both"}
    feed = await site.client.get("/feed.json", params={**chosen, "category_match": "all"})
    assert [one["title"] for one in feed.json()["items"]] == ["both"]
    any_page = await site.client.get("/", params=chosen)
    page = await site.client.get("/", params={**chosen, "category_match": "all"})
    assert "category_match=all" in any_page.text
    assert any_page.text.count('class="card"') == 3
    assert page.text.count('class="card"') == 1


async def test_all_of_more_categories_than_a_mechanism_has_is_refused(site: Site) -> None:
    many = {"category": [f"c-{number}" for number in range(11)], "category_match": "all"}
    for path in (LIST, SEARCH):
        response = await site.client.get(path, params=many)
        assert (response.status_code, response.json()["code"]) == (422, "INVALID_FIELD")
    assert (await site.client.get("/", params=many)).status_code == 422


async def test_the_first_categories_are_a_tree(site: Site) -> None:
    items = (await site.client.get(CATEGORIES)).json()["items"]
    parents = {one["id"]: one["parent_id"] for one in items}
    assert parents["four-bar"] == "linkages"
    assert parents["planetary-gears"] == "gears"
    assert [one["name_ja"] for one in items][-6:] == [
        "力学",
        "電磁気学",
        "熱力学",
        "波動",
        "量子力学",
        "相対性理論",
    ]


async def test_a_parent_finds_and_counts_what_is_in_its_children_once(
    site: Site, admin: dict[str, str]
) -> None:
    await site.published(admin, "inner", categories="four-bar")
    await site.published(admin, "twice", categories="four-bar,slider-crank,linkages")
    for path in (LIST, SEARCH):
        assert await titles(site, path, category="linkages") == {"inner", "twice"}
        assert await titles(site, path, category="slider-crank") == {"twice"}
    assert await counts(site) == {"linkages": 2, "four-bar": 2, "slider-crank": 1}
    facets = (await site.client.get(SEARCH)).json()["facets"]
    assert facets == {"linkages": 2, "four-bar": 2, "slider-crank": 1}
    assert await titles(site, SEARCH, q="リンク機構 inner") == {"inner"}


async def test_lists_follow_a_category_that_is_moved(site: Site, admin: dict[str, str]) -> None:
    await site.published(admin, "spring", categories="springs")
    assert await titles(site, LIST, category="compliant") == set()
    moved = await send(site, admin, "PATCH", "springs", {"parent_id": "compliant"})
    assert moved.json()["parent_id"] == "compliant"
    await site.work()
    for path in (LIST, SEARCH):
        assert await titles(site, path, category="compliant") == {"spring"}
    assert (await site.client.get(SEARCH)).json()["facets"] == {"springs": 1, "compliant": 1}
    await send(site, admin, "PATCH", "springs", {"parent_id": None})
    await site.work()
    for path in (LIST, SEARCH):
        assert await titles(site, path, category="compliant") == set()


async def test_a_list_that_is_cached_follows_a_category_that_is_added_below_its_own(
    site: Site, admin: dict[str, str]
) -> None:
    assert await titles(site, LIST, category="springs") == set()
    added = {"id": "leaf-springs", "name_en": "Leaf springs", "parent_id": "springs"}
    assert (await site.client.post(f"{API}/categories", headers=admin, json=added)).status_code == 201
    await site.published(admin, "leaf", categories="leaf-springs")
    assert await titles(site, LIST, category="springs") == {"leaf"}


@pytest.mark.parametrize(
    ("child", "parent"),
    [("cams", "absent"), ("cams", "cams"), ("cams", "four-bar"), ("linkages", "cams"), ("cams", "A b")],
)
async def test_the_tree_has_two_levels(site: Site, admin: dict[str, str], child: str, parent: str) -> None:
    response = await send(site, admin, "PATCH", child, {"parent_id": parent})
    assert (response.status_code, response.json()["details"][0]["field"]) == (422, "parent_id")


async def test_lists_and_searches_take_the_name_of_a_category_and_follow_a_new_one(
    site: Site, admin: dict[str, str]
) -> None:
    await site.published(admin, "one", categories="玩具/Toys")
    (id,) = await counts(site)
    for path in (LIST, SEARCH):
        for name in ("玩具", "ＴＯＹＳ", id):
            assert await titles(site, path, category=name) == {"one"}
        assert await titles(site, path, category="遊具") == set()
        assert await titles(site, path, category="\N{COMBINING ACUTE ACCENT}" * 100) == set()
    assert 'class="card"' in (await site.client.get("/", params={"category": "玩具"})).text

    await send(site, admin, "PATCH", id, {"name_ja": "遊具"})
    await site.work()

    for path in (LIST, SEARCH):
        assert await titles(site, path, category="遊具") == {"one"}
        assert await titles(site, path, category="玩具") == set()


async def test_a_category_with_children_is_not_deleted(site: Site, admin: dict[str, str]) -> None:
    response = await send(site, admin, "DELETE", "gears", {})
    assert (response.status_code, response.json()["code"]) == (409, "CATEGORY_HAS_CHILDREN")


async def test_a_merged_category_leads_to_the_other_one_everywhere(site: Site, admin: dict[str, str]) -> None:
    await site.published(admin, "old", categories="linkages")
    await site.published(admin, "both", categories="linkages,cams")
    await site.published(admin, "below", categories="four-bar")
    merged = await send(site, admin, "POST", "linkages/merge", {"into": "cams"})
    assert (merged.status_code, merged.json()["id"]) == (200, "cams")
    await site.work()

    for category in ("linkages", "cams"):
        for path in (LIST, SEARCH):
            assert await titles(site, path, category=category) == {"old", "both", "below"}
        assert "Cams" in (await site.client.get("/", params={"category": category})).text
    assert await counts(site) == {"cams": 3, "four-bar": 1}
    redirected = await site.client.get(f"{CATEGORIES}/linkages")
    assert (redirected.status_code, redirected.headers["location"]) == (308, f"{CATEGORIES}/cams")
    for name in ("リンク機構", "linkages"):
        assert (await site.share(admin, name, categories=name))["categories"] == ["cams"]
    again = {"id": "linkages", "name_en": "Other", "name_ja": "別"}
    assert (await site.client.post(CATEGORIES, json=again, headers=admin)).status_code == 409
    await send(site, admin, "POST", "cams/merge", {"into": "screws"})
    assert await titles(site, LIST, category="linkages") == {"old", "both", "below"}


@pytest.mark.parametrize(("source", "target"), [("cams", "absent"), ("cams", "cams"), ("gears", "four-bar")])
async def test_a_merge_into_nothing_itself_or_a_third_level_is_refused(
    site: Site, admin: dict[str, str], source: str, target: str
) -> None:
    response = await send(site, admin, "POST", f"{source}/merge", {"into": target})
    assert (response.status_code, response.json()["details"][0]["field"]) == (422, "into")


async def test_one_name_is_enough_for_a_category(site: Site, admin: dict[str, str]) -> None:
    made = await site.client.post(CATEGORIES, json={"id": "own", "name_ja": "独自"}, headers=admin)
    assert (made.status_code, made.json()["name_en"]) == (201, "独自")
    nameless = await site.client.post(CATEGORIES, json={"id": "none"}, headers=admin)
    assert nameless.status_code == 422


async def test_an_author_names_a_category_in_both_languages(site: Site) -> None:
    headers = await site.sign_up("mika")
    made = await site.share(headers, categories="玩具／Toys")
    (id,) = made["categories"]
    category = (await site.client.get(f"{CATEGORIES}/{id}")).json()
    assert (id, category["name_en"], category["name_ja"]) == ("toys", "Toys", "玩具")
    for name in ("Toys", "玩具", "toys/おもちゃ"):
        assert (await site.share(headers, name, categories=name))["categories"] == ["toys"]
    refused = await site.client.post(
        LIST,
        headers=headers,
        json={**ELSEWHERE, "categories": ["a/b"]},
    )
    assert refused.status_code == 422
