"""Collections over HTTP."""

from typing import Any

from httpx import Response

from mechshare.domain.users import Role
from tests.http.conftest import API, Site


async def collection(site: Site, headers: dict[str, str], *made: dict[str, Any], **fields: Any) -> str:
    """Creates a collection with these mechanisms; returns its address."""
    body = {"title": "カム", "visibility": "public", **fields}
    created = await site.client.post(f"{API}/collections", headers=headers, json=body)
    assert created.status_code == 201, created.text
    address = str(created.headers["location"])
    for one in made:
        put = await site.client.put(f"{address}/mechanisms/{one['id']}", headers=headers)
        assert put.status_code == 204, put.text
    return address


async def titles_in(site: Site, address: str, headers: dict[str, str] | None = None) -> list[str]:
    found = await site.client.get(f"{address}/mechanisms", headers=headers)
    assert found.status_code == 200, found.text
    titles = [item["title"] for item in found.json()["items"]]
    assert found.json()["total"] == len(titles)
    return titles


async def test_mechanisms_are_in_the_order_of_their_owner_and_in_many_collections(site: Site) -> None:
    mika, ana = await site.sign_up("mika"), await site.sign_up("ana")
    made = [await site.published(mika, title) for title in "abc"]
    address = await collection(site, ana, *made)
    other = await collection(site, ana, made[1])
    for _ in range(2):
        moved = await site.client.put(
            f"{address}/mechanisms/{made[2]['id']}", headers=ana, json={"position": 0}
        )
        assert moved.status_code == 204
        again = await site.client.put(f"{address}/mechanisms/{made[0]['id']}", headers=ana)
        assert again.status_code == 204
    assert await titles_in(site, address) == ["c", "a", "b"]
    for _ in range(2):
        gone = await site.client.delete(f"{address}/mechanisms/{made[0]['id']}", headers=ana)
        assert gone.status_code == 204
    assert await titles_in(site, address) == ["c", "b"]
    assert await titles_in(site, other) == ["b"]


async def test_pages_of_a_collection_follow_its_order(site: Site) -> None:
    mika = await site.sign_up("mika")
    address = await collection(site, mika, *[await site.published(mika, title) for title in "abcde"])
    titles, cursor = [], None
    while cursor is not None or not titles:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        found = (await site.client.get(f"{address}/mechanisms", params=query)).json()
        titles += [item["title"] for item in found["items"]]
        cursor = found["next"]
    assert titles == list("abcde")
    second = (await site.client.get(f"{address}/mechanisms", params={"limit": 2, "page": 2})).json()
    assert [item["title"] for item in second["items"]] == ["c", "d"]


async def test_what_a_reader_may_not_see_is_absent_from_list_count_and_cover(site: Site) -> None:
    mika, ana = await site.sign_up("mika"), await site.sign_up("ana")
    draft = await site.ready(mika, "draft")
    hidden = await site.published(mika, "unlisted", visibility="unlisted")
    internal = await site.published(mika, "internal", visibility="internal")
    shown = await site.published(mika, "shown")
    address = await collection(site, mika, draft, hidden, internal, shown)
    assert await titles_in(site, address, mika) == ["draft", "unlisted", "internal", "shown"]
    assert await titles_in(site, address, ana) == ["internal", "shown"]
    assert await titles_in(site, address) == ["shown"]
    covers = [(await site.client.get(address, headers=headers)).json()["cover_url"] for headers in (mika, {})]
    assert draft["id"] in covers[0]
    assert shown["id"] in covers[1]
    found = await site.client.get(address, headers=mika)
    chosen = await site.client.patch(
        address, headers={**mika, "If-Match": found.headers["etag"]}, json={"cover_id": shown["id"]}
    )
    assert chosen.json()["cover_url"] == shown["thumbnail_url"]


async def test_only_a_mechanism_in_the_collection_is_its_cover(site: Site) -> None:
    mika = await site.sign_up("mika")
    first, second, other = [await site.published(mika, title) for title in ("first", "second", "other")]
    address = await collection(site, mika, first, second)

    async def choose(made: dict[str, Any]) -> Response:
        etag = (await site.client.get(address, headers=mika)).headers["etag"]
        headers, body = {**mika, "If-Match": etag}, {"cover_id": made["id"]}
        return await site.client.patch(address, headers=headers, json=body)

    refused = await choose(other)
    assert (refused.status_code, refused.json()["details"][0]["field"]) == (422, "cover_id")
    assert (await choose(second)).json()["cover_url"] == second["thumbnail_url"]
    await site.client.delete(f"{address}/mechanisms/{second['id']}", headers=mika)
    assert (await site.client.get(address)).json()["cover_url"] == first["thumbnail_url"]


async def test_null_makes_the_first_mechanism_the_cover_again(site: Site) -> None:
    mika = await site.sign_up("mika")
    first, second = await site.published(mika, "a"), await site.published(mika, "b")
    address = await collection(site, mika, first, second)
    covers = []
    for cover_id in (second["id"], None, None):
        changed = await site.client.patch(
            address, headers={**mika, "If-Match": "*"}, json={"cover_id": cover_id}
        )
        assert changed.status_code == 200, changed.text
        covers.append(changed.json()["cover_url"])
    assert covers == [second["thumbnail_url"], first["thumbnail_url"], first["thumbnail_url"]]


async def test_visibility_decides_who_finds_a_collection(site: Site) -> None:
    mika, ana = await site.sign_up("mika"), await site.sign_up("ana")
    addresses = {
        visibility: await collection(site, mika, title=visibility, visibility=visibility)
        for visibility in ("private", "internal", "unlisted", "public")
    }
    expected = {
        "private": (200, 404, 404),
        "internal": (200, 200, 404),
        "unlisted": (200, 200, 200),
        "public": (200, 200, 200),
    }
    for visibility, statuses in expected.items():
        found = [(await site.client.get(addresses[visibility], headers=one)) for one in (mika, ana, {})]
        assert tuple(one.status_code for one in found) == statuses
    own = f"{API}/users/{site.ids['mika']}/collections"
    listed = [
        [item["title"] for item in (await site.client.get(own, headers=one)).json()["items"]]
        for one in (mika, ana, {})
    ]
    assert listed == [["public", "unlisted", "internal", "private"], ["public", "internal"], ["public"]]


async def test_a_hidden_mechanism_looks_absent_to_who_puts_it_into_a_collection(site: Site) -> None:
    mika, ana = await site.sign_up("mika"), await site.sign_up("ana")
    draft = await site.ready(mika)
    address = await collection(site, ana)
    refused = [
        await site.client.put(f"{address}/mechanisms/{id}", headers={**ana, "X-Request-ID": "same"})
        for id in (draft["id"], "01900000-0000-7000-8000-000000000000")
    ]
    assert [one.status_code for one in refused] == [404, 404]
    assert refused[0].content == refused[1].content


async def test_a_stale_change_and_a_wrong_place_are_refused(site: Site) -> None:
    mika = await site.sign_up("mika")
    made = await site.published(mika)
    address = await collection(site, mika, made)
    changed = await site.client.patch(address, headers={**mika, "If-Match": "*"}, json={"title": "軸"})
    assert (changed.status_code, changed.json()["version"]) == (200, 2)
    stale = {**mika, "If-Match": '"1-0000000000000000"'}
    assert (await site.client.patch(address, headers=stale, json={"title": "歯車"})).status_code == 412
    far = await site.client.put(f"{address}/mechanisms/{made['id']}", headers=mika, json={"position": 9})
    assert (far.status_code, far.json()["details"][0]["field"]) == (422, "position")


async def test_a_blocked_user_shows_nothing_to_others(site: Site) -> None:
    mika = await site.sign_up("mika", Role.READER)
    address = await collection(site, mika, visibility="private")
    etag = (await site.client.get(address, headers=mika)).headers["etag"]
    shown = {"title": "カム", "visibility": "public"}
    refused = [
        await site.client.post(f"{API}/collections", headers=mika, json=shown),
        await site.client.patch(address, headers={**mika, "If-Match": etag}, json=shown),
    ]
    assert [one.status_code for one in refused] == [403, 403]
