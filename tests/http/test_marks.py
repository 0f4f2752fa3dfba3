"""Likes and bookmarks over HTTP."""

from typing import Any

from tests.http.conftest import API, Site


async def marked(site: Site, method: str, made: dict[str, Any], kind: str, headers: dict[str, str]) -> Any:
    response = await site.client.request(
        method, f"{API}/mechanisms/{made['id']}/marks/{kind}", headers=headers
    )
    assert response.status_code == 200, response.text
    return response.json()


async def test_a_like_counts_once_until_it_is_taken_back(site: Site) -> None:
    mika, other = await site.sign_up("mika"), await site.sign_up("other")
    made = await site.published(mika)
    await marked(site, "PUT", made, "like", mika)
    for _ in range(2):
        marks = await marked(site, "PUT", made, "like", other)
    assert marks == {"likes": 2, "liked": True, "bookmarked": False}
    for _ in range(2):
        marks = await marked(site, "DELETE", made, "like", other)
    assert marks == {"likes": 1, "liked": False, "bookmarked": False}


async def test_marks_change_neither_the_version_nor_the_cached_response(site: Site) -> None:
    mika = await site.sign_up("mika")
    made = await site.published(mika)
    address = f"{API}/mechanisms/{made['id']}"
    before = await site.client.get(address)
    await marked(site, "PUT", made, "like", mika)
    after = await site.client.get(address)
    assert (after.headers["etag"], after.json()["version"]) == (before.headers["etag"], made["version"])


async def test_bookmarks_are_listed_newest_first_and_only_for_their_user(site: Site) -> None:
    mika, other = await site.sign_up("mika"), await site.sign_up("other")
    first, second = await site.published(mika, "first"), await site.published(mika, "second")
    for made in (first, second):
        await marked(site, "PUT", made, "bookmark", other)
    listed = (await site.client.get(f"{API}/users/me/bookmarks", headers=other)).json()
    assert [item["id"] for item in listed["items"]] == [second["id"], first["id"]]
    assert (await site.client.get(f"{API}/users/me/bookmarks", headers=mika)).json()["items"] == []
    assert await marked(site, "DELETE", first, "like", mika) == {
        "likes": 0,
        "liked": False,
        "bookmarked": False,
    }


async def test_a_withdrawn_mechanism_is_absent_from_bookmarks_until_it_is_back(site: Site) -> None:
    mika, other = await site.sign_up("mika"), await site.sign_up("other")
    made = await site.published(mika)
    await marked(site, "PUT", made, "bookmark", other)
    address = f"{API}/mechanisms/{made['id']}"
    for change, shown in (("withdraw", 0), ("publish", 1)):
        await site.client.post(f"{address}/{change}", headers=mika)
        listed = (await site.client.get(f"{API}/users/me/bookmarks", headers=other)).json()
        assert len(listed["items"]) == shown


async def test_another_kind_of_mark_is_refused(site: Site) -> None:
    mika = await site.sign_up("mika")
    made = await site.published(mika)
    refused = await site.client.put(f"{API}/mechanisms/{made['id']}/marks/star", headers=mika)
    assert refused.status_code in (400, 404)
