"""Follows and the feed over HTTP."""

from tests.http.conftest import API, Site


async def feed_of(site: Site, headers: dict[str, str]) -> list[str]:
    found = await site.client.get(f"{API}/users/me/feed", headers=headers)
    assert found.status_code == 200, found.text
    return [item["title"] for item in found.json()["items"]]


async def test_the_feed_has_what_followed_users_and_categories_publish_newest_first(site: Site) -> None:
    mika, ana, ben = [await site.sign_up(name) for name in ("mika", "ana", "ben")]
    await site.published(ana, "of ana")
    await site.published(ben, "a gear", categories="planetary-gears")
    await site.published(ben, "neither")
    assert await feed_of(site, mika) == []
    for _ in range(2):
        for address in (f"users/{site.ids['ana']}", "categories/gears"):
            followed = await site.client.put(f"{API}/{address}/follow", headers=mika)
            assert followed.status_code == 204, followed.text
    assert await feed_of(site, mika) == ["a gear", "of ana"]
    follows = (await site.client.get(f"{API}/users/me/follows", headers=mika)).json()
    assert ([user["username"] for user in follows["users"]], follows["categories"]) == (["ana"], ["gears"])
    for _ in range(2):
        ended = await site.client.delete(f"{API}/categories/gears/follow", headers=mika)
        assert ended.status_code == 204
    assert await feed_of(site, mika) == ["of ana"]


async def test_what_is_published_long_after_its_upload_is_new_in_the_feed(site: Site) -> None:
    mika, ana = await site.sign_up("mika"), await site.sign_up("ana")
    await site.client.put(f"{API}/users/{site.ids['ana']}/follow", headers=mika)
    draft = await site.ready(ana, "draft")
    await site.published(ana, "sooner")
    assert draft["published_at"] is None
    await site.client.post(f"{API}/mechanisms/{draft['id']}/publish", headers=ana)
    assert await feed_of(site, mika) == ["draft", "sooner"]
    by_creation = await site.client.get(f"{API}/mechanisms")
    assert [item["title"] for item in by_creation.json()["items"]] == ["sooner", "draft"]


async def test_the_feed_shows_only_what_its_reader_may_see(site: Site) -> None:
    mika, ana = await site.sign_up("mika"), await site.sign_up("ana")
    await site.client.put(f"{API}/users/{site.ids['ana']}/follow", headers=mika)
    await site.ready(ana, "draft")
    for visibility in ("private", "unlisted", "internal"):
        await site.published(ana, visibility, visibility=visibility)
    assert await feed_of(site, mika) == ["internal"]


async def test_the_feed_is_walked_by_cursor(site: Site) -> None:
    mika, ana = await site.sign_up("mika"), await site.sign_up("ana")
    await site.client.put(f"{API}/users/{site.ids['ana']}/follow", headers=mika)
    for title in "abc":
        await site.published(ana, title)
    address = f"{API}/users/me/feed"
    first = (await site.client.get(address, headers=mika, params={"limit": 2})).json()
    rest = (await site.client.get(address, headers=mika, params={"cursor": first["next"]})).json()
    assert [item["title"] for item in (*first["items"], *rest["items"])] == ["c", "b", "a"]


async def test_nobody_follows_what_does_not_exist(site: Site) -> None:
    mika = await site.sign_up("mika")
    for address in ("users/01900000-0000-7000-8000-000000000000", "users/x", "categories/absent"):
        refused = await site.client.put(f"{API}/{address}/follow", headers=mika)
        assert refused.status_code == 404
