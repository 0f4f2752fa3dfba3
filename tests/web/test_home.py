"""Home: the list, searches, filters, orders, and going on."""

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from mechshare.adapters.search.memory import MemorySearchIndex
from mechshare.bootstrap import schemes
from mechshare.domain.ids import CategoryId
from mechshare.domain.mechanism_sorts import MechanismSort
from mechshare.domain.search import MAX_QUERY_LENGTH, SearchSort
from mechshare.entrypoints.web.conditions import MAX_PAGE, STEP, WINDOW, Conditions, conditions_of
from tests.http.conftest import API, Site
from tests.services.faults import FaultyIndex
from tests.web.reading import OPEN, Html

JAPANESE = {**OPEN, "Accept-Language": "ja"}


async def open_home(site: Site, address: str = "/", headers: dict[str, str] = OPEN) -> str:
    response = await site.client.get(address, headers=headers)
    assert response.status_code == 200, response.text
    return response.text


async def publish_many(site: Site, count: int) -> dict[str, Any]:
    """Publishes `count` mechanisms with one clip on another host; returns the first one."""
    admin = await site.sign_up("hana")
    made = []
    for number in range(count):
        fields: dict[str, Any] = {"title": f"Gear {number:03}", "duration": 1}
        fields |= {f"{kind}_url": f"https://clips.example.com/a.{kind}" for kind in ("file", "thumbnail")}
        response = await site.client.post(f"{API}/mechanisms", headers=admin, json=fields)
        assert response.status_code == 201, response.text
        made.append(response.json())
        await site.client.post(f"{API}/mechanisms/{made[-1]['id']}/publish", headers=admin)
    await site.work()
    first: dict[str, Any] = made[0]
    return first


def titles_of(page: str) -> list[str]:
    titles = re.findall(r"<h2><a [^>]*>(.*?)</a></h2>", page, re.DOTALL)
    return [re.sub(r"<[^>]*>", "", title).strip() for title in titles]


def links_of(page: str) -> list[str]:
    return [address.replace("&amp;", "&") for address in re.findall(r'href="([^"]*)"', page)]


async def test_a_site_without_mechanisms_invites_to_upload(site: Site) -> None:
    page = await open_home(site)
    assert "There are no mechanisms yet." in page
    assert "/upload" in links_of(page)


async def test_a_search_marks_its_matches_and_escapes_everything_else(site: Site) -> None:
    owner = await site.sign_up("hana")
    await site.published(owner, "<b>Gear</b> & rack", description="A gear <script>alert(1)</script> rack.")

    page = await open_home(site, "/?q=gear")

    assert "&lt;b&gt;<mark>Gear</mark>&lt;/b&gt; &amp; rack" in page
    assert "A <mark>gear</mark> &lt;script&gt;alert(1)&lt;/script&gt; rack.</p>" in page
    assert 'value="gear"' in page


async def test_cards_show_author_duration_and_categories_in_the_language_of_the_person(site: Site) -> None:
    owner = await site.sign_up("hana")
    await site.published(owner, "Gear", categories="gears")

    english, japanese = await open_home(site), await open_home(site, headers=JAPANESE)

    assert re.search(r'class="duration">[\d.]+ s<', english)
    assert re.search(r'class="duration">[\d.]+ 秒<', japanese)
    assert 'class="categories">Gears<' in english
    assert 'class="categories">歯車<' in japanese
    assert "<p>hana " in english
    assert "1 mechanism<" in english
    assert "1 件の機構" in japanese


async def test_filters_are_links_that_keep_the_other_conditions(site: Site) -> None:
    owner = await site.sign_up("hana")
    await site.published(owner, "Gear one", categories="gears")
    await site.published(owner, "Gear two", categories="cams")
    await site.published(owner, "Belt", categories="belts-chains")

    found = await open_home(site, "/?q=gear&category=gears&sort=-created_at")

    assert titles_of(found) == ["Gear one"]
    links = links_of(found)
    assert "/?q=gear&category=gears&category=cams&sort=-created_at" in links  # adds one
    assert "/?q=gear&sort=-created_at" in links  # removes it, and clears all
    assert "/?q=gear&category=gears" in links  # sorts by the best match
    assert not any("belts-chains" in link for link in links)  # no match there
    assert '<input type="hidden" name="category" value="gears">' in found
    both = await open_home(site, "/?q=gear&category=gears&category=cams")
    assert sorted(titles_of(both)) == ["Gear one", "Gear two"]


async def test_the_counts_of_filters_are_those_of_the_search_or_of_the_whole_list(site: Site) -> None:
    owner = await site.sign_up("hana")
    await site.published(owner, "Gear one", categories="gears")
    await site.published(owner, "Wheel", categories="gears")

    for address, count in (
        ("/", 2),
        ("/?category=gears", 2),
        ("/?q=wheel", 1),
        ("/?q=wheel&category=cams", 1),
    ):
        page = await open_home(site, address)
        assert re.search(rf'Gears <span class="count">{count}</span>', page), address


async def test_a_list_has_its_orders_and_a_search_those_of_searches(site: Site) -> None:
    owner = await site.sign_up("hana")
    await site.published(owner, "A gear")
    await site.published(owner, "B gear")

    assert titles_of(await open_home(site)) == ["B gear", "A gear"]
    assert titles_of(await open_home(site, "/?sort=created_at")) == ["A gear", "B gear"]
    assert titles_of(await open_home(site, "/?sort=title")) == ["A gear", "B gear"]
    assert titles_of(await open_home(site, "/?q=gear&sort=title")) == titles_of(
        await open_home(site, "/?q=gear")
    )
    refused = await site.client.get("/?sort=colour", headers=OPEN)
    assert refused.status_code == 400
    assert "must be one of: relevance, -created_at, -reliability, created_at" in refused.text


async def test_no_result_says_what_to_do(site: Site) -> None:
    owner = await site.sign_up("hana")
    await site.published(owner, "Gear", categories="gears")

    filtered = await open_home(site, "/?q=ratchet&category=gears")
    assert "Remove the filters, or use fewer or other words." in filtered
    assert "/?q=ratchet" in links_of(filtered)
    assert "Use fewer or other words, or another spelling." in await open_home(site, "/?q=ratchet")
    assert "in this category yet" in await open_home(site, "/?category=cams")
    assert "Go to the first page" in await open_home(site, "/?page=3")


async def test_an_unreadable_query_is_refused_with_a_message(site: Site) -> None:
    response = await site.client.get("/", params={"q": "x" * (MAX_QUERY_LENGTH + 1)}, headers=OPEN)
    assert response.status_code == 422
    assert "The search text must be" in response.text
    hidden = await site.client.get("/?q=a%00b", headers=OPEN)
    assert hidden.status_code == 422


async def test_the_list_goes_on_by_links_and_each_address_shows_the_longer_list(site: Site) -> None:
    await publish_many(site, STEP + 3)

    first = await open_home(site, "/?sort=title")
    assert titles_of(first) == [f"Gear {number:03}" for number in range(STEP)]
    assert "/?sort=title&show=40" in links_of(first)
    more = await open_home(site, "/?sort=title&show=40")
    assert titles_of(more) == [f"Gear {number:03}" for number in range(STEP + 3)]
    assert "show-more" not in more


async def test_the_script_gets_only_the_next_cards(site: Site) -> None:
    await publish_many(site, 2 * STEP + 3)
    first = await open_home(site, "/?q=gear&sort=-created_at")
    address = re.findall(r'data-cards="([^"]*)"', first)[0].replace("&amp;", "&")

    next_cards = (await site.client.get(address)).text

    assert len(titles_of(next_cards)) == STEP
    assert not set(titles_of(next_cards)) & set(titles_of(first))
    assert 'href="/?q=gear&amp;sort=-created_at&amp;show=60"' in next_cards
    assert "<html" not in next_cards
    assert Html(next_cards).inline == []
    last = (await site.client.get("/cards?q=gear&sort=-created_at&show=60")).text
    assert len(titles_of(last)) == 3
    assert "show-more" not in last


async def test_a_failed_request_for_cards_is_an_error_for_the_script(site: Site) -> None:
    refused = await site.client.get("/cards?sort=colour", headers=OPEN)
    assert refused.status_code == 400
    assert refused.json()["message"]


async def test_a_search_without_the_index_says_that_mechanisms_may_be_missing(
    open_site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = FaultyIndex(MemorySearchIndex())
    monkeypatch.setitem(schemes.SEARCH_INDEXES, "faulty", lambda url, settings: index)
    site = await open_site(search_url="faulty:")
    owner = await site.sign_up("hana")
    await site.published(owner, "Gear", categories="gears")
    index.is_down = True

    page = await open_home(site, "/?q=gear")

    assert titles_of(page) == ["Gear"]
    assert "The search index is unavailable at the moment." in page
    assert "At least 1 mechanism" in page
    assert 'class="count"' not in page


async def test_searches_by_pages_count_like_those_of_the_api(open_site: Any) -> None:
    site = await open_site(requests_per_minute=1_000, searches_per_minute=2)
    statuses = [await status_of(site, address) for address in ("/?q=a", "/cards?q=a", "/", "/?q=a")]
    assert statuses == [200, 200, 200, 429]


async def status_of(site: Site, address: str) -> int:
    response: httpx.Response = await site.client.get(address, headers=OPEN)
    return response.status_code


def test_an_address_keeps_its_conditions() -> None:
    requested = conditions_of("歯車 & gear", ["gears", "cams", "gears"], "-created_at", 2, 33)

    query = parse_qs(urlsplit(requested.address).query)

    assert query == {
        "q": ["歯車 & gear"],
        "category": ["gears", "cams"],
        "sort": ["-created_at"],
        "page": ["2"],
        "show": ["40"],
    }


def test_changed_conditions_begin_at_the_first_mechanism() -> None:
    requested = Conditions(text="", category_ids=(), sort=MechanismSort.RECENTLY_PUBLISHED, page=2, show=60)
    assert requested.toggled(CategoryId("gears")).address == "/?category=gears"
    assert requested.sorted_by(MechanismSort.TITLE).address == "/?sort=title"


def test_a_full_page_goes_on_at_the_next_one_until_the_last() -> None:
    full = Conditions(text="gear", category_ids=(), sort=SearchSort.RELEVANCE, show=WINDOW)
    following = full.more()
    assert following is not None
    assert (following.page, following.show, following.offset) == (2, STEP, WINDOW)
    last = Conditions(text="gear", category_ids=(), sort=SearchSort.RELEVANCE, page=MAX_PAGE, show=WINDOW)
    assert last.more() is None
    assert full.has_more(WINDOW, WINDOW + 1)
    assert not full.has_more(WINDOW, WINDOW)


async def test_a_list_loads_no_picture_from_another_host(site: Site) -> None:
    owner = await site.sign_up("ana")
    clip = {
        "title": "Hosted elsewhere",
        "file_url": "https://media.example/a.mp4",
        "thumbnail_url": "https://media.example/a.webp",
        "duration": 2.0,
    }
    made = (await site.client.post("/api/v1/mechanisms/from-url", json=clip, headers=owner)).json()
    await site.client.post(f"/api/v1/mechanisms/{made['id']}/publish", headers=owner)
    text = (await site.client.get("/")).text
    assert "Hosted elsewhere" in text
    assert "media.example" not in text


async def test_a_page_says_by_which_other_names_it_searched(site: Site) -> None:
    assert "Also searched for “spur gear” as: 平歯車" in await open_home(site, "/?q=spur+gear")
    assert "「平歯車」は次の語でも検索しました：spur gear" in await open_home(site, "/?q=平歯車", JAPANESE)
    assert "Also searched" not in await open_home(site, '/?q="spur gear"')


async def test_author_days_and_durations_narrow_a_list_and_stay_in_the_address(site: Site) -> None:
    shared = await site.published(await site.sign_up("mika"), "Rack")
    await site.published(await site.sign_up("aoi"), "Rack and pinion")
    day = shared["created_at"][:10]
    address = f"/?author=mika&created_from={day}&created_to={day}&duration_min=0&duration_max=100"

    page = await open_home(site, address)

    assert titles_of(page) == ["Rack"]
    assert len(re.findall(r'<input type="hidden" name="author" value="mika">', page)) == 1
    sorting = parse_qs(urlsplit(next(one for one in links_of(page) if "sort=" in one)).query)
    assert (sorting["author"], sorting["created_to"]) == (["mika"], [day])
    nothing = await open_home(site, "/?q=rack&duration_min=1000")
    assert "/?q=rack" in links_of(nothing)
    assert titles_of(nothing) == []


@pytest.mark.parametrize("words", ["", "q=rack&"])
async def test_a_card_shows_the_period_and_periods_narrow_a_list(site: Site, words: str) -> None:
    await site.published(await site.sign_up("mika"), "Rack")

    page = await open_home(site, f"/?{words}period_min=2.3&period_max=2.5&loops=true", JAPANESE)

    assert titles_of(page) == ["Rack"]
    assert '<span class="tag">ループ 2.4 秒</span>' in page
    assert re.search(r'name="loops"[^>]* checked', page)
    slower = await open_home(site, f"/?{words}period_min=2.5")
    assert titles_of(slower) == []
    assert "Without the periods and loops" in slower


async def test_levels_licences_and_parameters_narrow_a_list(site: Site) -> None:
    mika = await site.sign_up("mika")
    stated = {"reliability_level": "4", "reliability_reason": "量産", "license": "MIT"}
    await site.published(mika, "Rack", parameters="stroke = 12 mm", **stated)
    await site.published(mika, "Rack and pinion")

    both = await open_home(site, "/?q=rack", JAPANESE)
    assert re.search(r'信頼度 4 以上 <span class="count">1</span>', both)
    (link,) = [one for one in links_of(both) if one.endswith("/?q=rack&reliability_min=4")]
    narrowed = await open_home(site, link)
    assert titles_of(narrowed) == ["Rack"]
    assert re.search(r'Level 3 or higher <span class="count">1</span>', narrowed)
    assert titles_of(await open_home(site, "/?license=MIT")) == ["Rack"]
    assert titles_of(await open_home(site, "/?parameters=stroke+%3D+1cm..2cm")) == ["Rack"]
    assert "Without the ranges of parameters" in await open_home(site, "/?parameters=stroke=20mm..")
    assert titles_of(await open_home(site, "/?q=rack&sort=-reliability")) == ["Rack", "Rack and pinion"]


@pytest.mark.parametrize(
    "bounds",
    [
        "reliability_min=6",
        "license=mine",
        "parameters=stroke=10mm..2N",
        "parameters=stroke",
        "created_from=today",
        "duration_min=2&duration_max=1",
        "period_min=2&period_max=1",
        "created_to=2026-01-01&created_from=2026-01-02",
    ],
)
async def test_bounds_that_nothing_can_meet_are_refused_with_a_message(site: Site, bounds: str) -> None:
    response = await site.client.get(f"/?{bounds}", headers=JAPANESE)

    assert response.status_code == 422
    assert "ください。" in response.text
