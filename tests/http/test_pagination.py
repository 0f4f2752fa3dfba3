"""Which cursors a list accepts, and how often a public list is counted."""

import base64
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from mechshare.domain.mechanism_filters import EVERY_MECHANISM
from mechshare.domain.mechanism_sorts import MechanismSort
from mechshare.domain.pagination import PageRequest
from mechshare.domain.users import Role
from mechshare.entrypoints.http.protocol.pagination import list_checksum
from tests.http.conftest import API, Site

MECHANISMS, USERS = f"{API}/mechanisms", f"{API}/users"
ELSEWHERE = {
    "file_url": "https://media.example/a.mp4",
    "thumbnail_url": "https://media.example/a.webp",
    "duration": 2.4,
}
ID = "01900000-0000-7000-8000-000000000000"


class CountedMechanisms:
    """Wraps a mechanism repository and records each count of a whole list."""

    def __init__(self, inner: Any, counts: list[str]) -> None:
        self._inner = inner
        self._counts = counts

    async def count(self, *conditions: Any, **others: Any) -> int:
        self._counts.append("count")
        counted: int = await self._inner.count(*conditions, **others)
        return counted

    async def find_all(self, request: PageRequest, *conditions: Any, **others: Any) -> Any:
        if request.counted is None:
            self._counts.append("find_all")
        return await self._inner.find_all(request, *conditions, **others)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class CountedReads:
    def __init__(self, inner: Any, counts: list[str]) -> None:
        self._inner = inner
        self.mechanisms = CountedMechanisms(inner.mechanisms, counts)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class CountingDatabase:
    """Wraps a database and records in `counts` each count of a whole list of mechanisms."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.counts: list[str] = []

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Any]:
        async with self._inner.read() as tx:
            yield CountedReads(tx, self.counts)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


async def publish(site: Site, headers: dict[str, str], title: str) -> None:
    made = await site.client.post(
        f"{MECHANISMS}/from-url", headers=headers, json={**ELSEWHERE, "title": title}
    )
    published = await site.client.post(f"{MECHANISMS}/{made.json()['id']}/publish", headers=headers)
    assert published.status_code == 200, published.text


async def walk(client: httpx.AsyncClient, url: str) -> list[dict[str, Any]]:
    """Returns every page of a list, following its links."""
    pages = []
    while url:
        response = await client.get(url)
        assert response.status_code == 200, response.text
        pages.append(response.json())
        url = response.links["next"]["url"] if response.links else ""
    return pages


def cursor(order: str, key_type: str, key: object) -> str:
    """Returns a cursor into the list of all mechanisms, in the API's format."""
    checksum = list_checksum(EVERY_MECHANISM.conditions)
    packed = json.dumps([order, checksum, 2, key_type, key, ID]).encode()
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def assert_says_to_begin_again(response: httpx.Response) -> None:
    assert response.status_code == 400, response.text
    (detail,) = response.json()["details"]
    assert detail["field"] == "cursor"
    assert "Begin again without a cursor" in detail["message"]


async def test_a_cursor_of_each_order_is_accepted_only_by_its_own_order(site: Site) -> None:
    headers = await site.sign_up("sakura")
    for title in ("a", "b"):
        await publish(site, headers, title)
    for sort in MechanismSort:
        next_cursor = (await site.client.get(f"{MECHANISMS}?limit=1&sort={sort.value}")).json()["next"]
        for other in MechanismSort:
            response = await site.client.get(f"{MECHANISMS}?sort={other.value}&cursor={next_cursor}")
            if other is sort:
                assert [len(response.json()["items"]), response.json()["page"]] == [1, 2]
            else:
                assert_says_to_begin_again(response)


async def test_a_cursor_of_another_list_is_refused(site: Site) -> None:
    admin = await site.sign_up("root", Role.ADMIN)
    for title in ("a", "b"):
        await publish(site, await site.sign_up(f"sakura-{title}"), title)
    of_mechanisms = (await site.client.get(f"{MECHANISMS}?limit=1")).json()["next"]
    of_users = (await site.client.get(f"{USERS}?limit=1", headers=admin)).json()["next"]
    own = f"{USERS}/{site.ids['sakura-a']}/mechanisms"
    assert of_mechanisms
    assert of_users
    for url, foreign in ((MECHANISMS, of_users), (own, of_users), (USERS, of_mechanisms)):
        assert_says_to_begin_again(await site.client.get(f"{url}?cursor={foreign}", headers=admin))


async def test_a_cursor_of_a_list_with_other_conditions_is_refused(site: Site) -> None:
    headers = await site.sign_up("sakura")
    for title in ("a", "b"):
        await publish(site, headers, title)
    own = site.ids["sakura"]
    of_user = f"{MECHANISMS}?limit=1&user_id={own}"
    cursors = {url: (await site.client.get(url)).json()["next"] for url in (f"{MECHANISMS}?limit=1", of_user)}
    for url, next_cursor in cursors.items():
        for other in (*cursors, f"{MECHANISMS}?limit=1&category=gears", f"{MECHANISMS}?category=cams"):
            response = await site.client.get(f"{other}&cursor={next_cursor}")
            if other == url:
                assert len(response.json()["items"]) == 1
            else:
                assert_says_to_begin_again(response)
    same = await site.client.get(f"{USERS}/{own}/mechanisms?cursor={cursors[of_user]}", headers=headers)
    assert len(same.json()["items"]) == 1


async def test_category_order_and_page_size_may_change_between_pages(site: Site) -> None:
    headers = await site.sign_up("sakura")
    for title in ("a", "b", "c"):
        made = await site.published(headers, title, categories="gears,cams")
        assert made["categories"]
    first = await site.client.get(f"{MECHANISMS}?limit=1&category=gears&category=cams")
    rest = await site.client.get(
        f"{MECHANISMS}?limit=2&category=cams&category=gears&cursor={first.json()['next']}"
    )
    assert [item["title"] for item in rest.json()["items"]] == ["b", "a"]


async def test_a_cursor_in_the_form_of_the_api_is_accepted(site: Site) -> None:
    for sort, key_type, key in (("-created_at", "time", 0), ("title", "text", "a")):
        url = f"{MECHANISMS}?sort={sort}&cursor={cursor(sort, key_type, key)}"
        assert (await site.client.get(url)).status_code == 200


@pytest.mark.parametrize(
    ("sort", "key_type", "key"),
    [
        ("-created_at", "text", "2026-01-01"),
        ("-created_at", "number", 1_700_000_000_000_000),
        ("-created_at", "time", "1700000000000000"),
        ("-created_at", "time", 1.5),
        ("title", "time", 1_700_000_000_000_000),
        ("title", "number", 1),
        ("title", "text", 1),
        ("title", "date", "a"),
    ],
)
async def test_a_well_formed_cursor_of_another_key_type_is_refused(
    site: Site, sort: str, key_type: str, key: object
) -> None:
    url = f"{MECHANISMS}?sort={sort}&cursor={cursor(sort, key_type, key)}"
    assert_says_to_begin_again(await site.client.get(url))


async def test_a_public_list_is_counted_once_for_all_its_pages_and_orders(open_site: Any) -> None:
    site: Site = await open_site(database=CountingDatabase)
    headers = await site.sign_up("sakura")
    for number in range(5):
        await publish(site, headers, f"t{number}")
    counts = site.adapters.database.counts  # type: ignore[attr-defined]
    counts.clear()
    for sort in MechanismSort:
        pages = await walk(site.client, f"{MECHANISMS}?limit=2&sort={sort.value}")
        assert [page["total"] for page in pages] == [5, 5, 5]
    await site.client.get(f"{MECHANISMS}?limit=2&page=2")
    assert counts == ["count"]
    await publish(site, headers, "one more")
    assert [page["total"] for page in await walk(site.client, f"{MECHANISMS}?limit=3")] == [6, 6]
    assert counts == ["count", "count"]


async def test_lists_with_other_conditions_are_counted_separately(open_site: Any) -> None:
    site: Site = await open_site(database=CountingDatabase)
    headers = await site.sign_up("sakura")
    await publish(site, headers, "t")
    counts = site.adapters.database.counts  # type: ignore[attr-defined]
    counts.clear()
    totals = [
        (await site.client.get(url)).json()["total"]
        for url in (
            MECHANISMS,
            f"{MECHANISMS}?category=gears",
            f"{MECHANISMS}?user_id={site.ids['sakura']}",
        )
    ]
    assert (totals, counts) == ([1, 0, 1], ["count"] * 3)


async def test_every_list_names_its_next_page_in_the_link_field(site: Site) -> None:
    mika, ana = await site.sign_up("mika"), await site.sign_up("ana")
    made = [await site.published(mika, title) for title in ("Cam", "Gear")]
    mechanism = f"{MECHANISMS}/{made[0]['id']}"
    comments = [await sent(site, f"{mechanism}/comments", ana, {"text": "play"}) for _ in range(2)]
    thread = comments[0]["id"]
    for _ in range(2):
        await sent(site, f"{mechanism}/comments", ana, {"text": "yes", "thread_id": thread})
        collection = await sent(site, f"{API}/collections", ana, {"title": "Cams", "visibility": "public"})
        await sent(site, f"{mechanism}/claims", ana, {"kind": "reproduces", "text": "built"})
    await site.client.put(f"{USERS}/{site.ids['mika']}/follow", headers=ana)
    for one in made:
        await site.client.put(f"{MECHANISMS}/{one['id']}/marks/bookmark", headers=ana)
        await site.client.put(f"{API}/collections/{collection['id']}/mechanisms/{one['id']}", headers=ana)
    for path, headers in (
        (f"{mechanism}/comments?sort=moment", {}),
        (f"{mechanism}/comments/{thread}/replies", {}),
        (f"{mechanism}/claims", {}),
        (f"{API}/collections/{collection['id']}/mechanisms", {}),
        (f"{USERS}/{site.ids['ana']}/collections", {}),
        (f"{USERS}/me/collections", ana),
        (f"{USERS}/me/feed", ana),
        (f"{USERS}/me/bookmarks", ana),
        (f"{USERS}/me/notifications", mika),
    ):
        first = await site.client.get(path, headers=headers, params={"limit": 1})
        address = re.fullmatch(r'<([^>]+)>; rel="next"', first.headers["link"])
        assert address is not None, path
        second = await site.client.get(address[1], headers=headers)
        assert (second.status_code, second.json()["page"], len(second.json()["items"])) == (200, 2, 1), path
        assert second.json()["items"][0]["id"] != first.json()["items"][0]["id"], path


async def sent(site: Site, path: str, headers: dict[str, str], body: dict[str, str]) -> dict[str, Any]:
    response = await site.client.post(path, headers=headers, json=body)
    assert response.status_code == 201, response.text
    return dict(response.json())
