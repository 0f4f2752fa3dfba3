"""Comments over HTTP."""

from typing import Any

from mechshare.domain.users import Role
from tests.http.conftest import API, Site

Headers = dict[str, str]


async def written(site: Site, made: dict[str, Any], headers: Headers, **body: Any) -> dict[str, Any]:
    response = await site.client.post(
        f"{API}/mechanisms/{made['id']}/comments", headers=headers, json={"text": "play", **body}
    )
    assert response.status_code == 201, response.text
    return dict(response.json())


async def refused(site: Site, made: dict[str, Any], headers: Headers, **body: Any) -> tuple[int, str]:
    response = await site.client.post(
        f"{API}/mechanisms/{made['id']}/comments", headers=headers, json={"text": "play", **body}
    )
    return response.status_code, response.json()["code"]


async def listed(site: Site, made: dict[str, Any], query: str = "") -> dict[str, Any]:
    response = await site.client.get(f"{API}/mechanisms/{made['id']}/comments{query}")
    assert response.status_code == 200, response.text
    return dict(response.json())


async def test_a_comment_is_listed_with_its_replies_as_text_and_safe_html(site: Site) -> None:
    mika, ana = await site.sign_up("mika"), await site.sign_up("ana")
    made = await site.published(mika)
    first = await written(site, made, ana, text="**play** <script>x</script>")
    reply = await written(site, made, mika, text="yes", thread_id=first["id"])
    shown = await listed(site, made)
    (thread,) = shown["items"]
    assert thread["html"] == "<p><strong>play</strong> &lt;script&gt;x&lt;/script&gt;</p>\n"
    assert (thread["text"], thread["user"]["username"]) == ("**play** <script>x</script>", "ana")
    assert (thread["reply_count"], thread["replies"]) == (1, [reply])
    assert (shown["total"], shown["comment_count"], shown["is_locked"]) == (1, 2, False)


async def test_comments_are_walked_newest_first_or_by_moment(site: Site) -> None:
    mika = await site.sign_up("mika")
    made = await site.published(mika)
    late = await written(site, made, mika, at={"start_ms": 300})
    whole = await written(site, made, mika)
    early = await written(site, made, mika, at={"start_ms": 0, "end_ms": 100})
    for sort, expected in (("-created_at", [early, whole, late]), ("moment", [early, late, whole])):
        first = await listed(site, made, f"?sort={sort}&limit=2")
        rest = await listed(site, made, f"?sort={sort}&limit=2&cursor={first['next']}")
        found = [item["id"] for item in (*first["items"], *rest["items"])]
        assert found == [one["id"] for one in expected]
    foreign = await site.client.get(
        f"{API}/mechanisms/{made['id']}/comments?sort=moment&cursor={(await listed(site, made, '?limit=2'))['next']}"
    )
    assert foreign.status_code == 400


async def test_replies_beyond_the_first_have_a_list_of_their_own(site: Site) -> None:
    mika = await site.sign_up("mika")
    made = await site.published(mika)
    first = await written(site, made, mika)
    replies = [(await written(site, made, mika, thread_id=first["id"]))["id"] for _ in range(6)]
    (thread,) = (await listed(site, made))["items"]
    assert (thread["reply_count"], [one["id"] for one in thread["replies"]]) == (6, replies[:5])
    url = f"{API}/mechanisms/{made['id']}/comments/{first['id']}/replies"
    page = (await site.client.get(f"{url}?limit=4")).json()
    rest = (await site.client.get(f"{url}?limit=4&cursor={page['next']}")).json()
    assert [one["id"] for one in (*page["items"], *rest["items"])] == replies


async def test_comments_change_neither_the_version_nor_the_cached_response(site: Site) -> None:
    mika = await site.sign_up("mika")
    made = await site.published(mika)
    address = f"{API}/mechanisms/{made['id']}"
    before = await site.client.get(address)
    await written(site, made, mika)
    after = await site.client.get(address)
    assert (after.headers["etag"], after.json()["version"]) == (before.headers["etag"], made["version"])


async def test_what_a_comment_is_about_must_be_in_the_clip(site: Site) -> None:
    mika = await site.sign_up("mika")
    made = await site.published(mika)
    first = await written(site, made, mika)
    for at in (
        {"start_ms": 10_000_000},
        {"start_ms": 200, "end_ms": 100},
        {"end_ms": 100},
        {"start_ms": -1},
        {"page": 1},
        {"start_ms": 1, "page": 1},
    ):
        assert await refused(site, made, mika, at=at) == (422, "INVALID_FIELD"), at
    assert await refused(site, made, mika, at={"start_ms": 1}, thread_id=first["id"]) == (
        422,
        "INVALID_FIELD",
    )


async def test_a_reply_needs_a_comment_of_this_mechanism_that_is_no_reply(site: Site) -> None:
    mika = await site.sign_up("mika")
    made, other = await site.published(mika), await site.published(mika)
    first = await written(site, made, mika)
    reply = await written(site, made, mika, thread_id=first["id"])
    assert (await refused(site, made, mika, thread_id=reply["id"]))[0] == 422
    assert await refused(site, other, mika, thread_id=first["id"]) == (404, "COMMENT_NOT_FOUND")
    for unknown in ("x", ""):
        assert await refused(site, made, mika, thread_id=unknown) == (404, "COMMENT_NOT_FOUND")


async def test_an_edited_comment_keeps_its_history(site: Site) -> None:
    mika = await site.sign_up("mika")
    made = await site.published(mika)
    comment = await written(site, made, mika)
    url = f"{API}/mechanisms/{made['id']}/comments/{comment['id']}"
    for _ in range(2):
        edited = await site.client.patch(url, headers=mika, json={"text": "backlash"})
        assert (edited.json()["text"], bool(edited.json()["edited_at"])) == ("backlash", True)
    (former,) = (await site.client.get(f"{url}/history")).json()["items"]
    assert former["text"] == "play"


async def test_a_comment_is_edited_ten_times_at_most(site: Site) -> None:
    mika = await site.sign_up("mika")
    made = await site.published(mika)
    url = f"{API}/mechanisms/{made['id']}/comments/{(await written(site, made, mika))['id']}"
    statuses = [
        (await site.client.patch(url, headers=mika, json={"text": f"play {n}"})).status_code
        for n in range(11)
    ]
    assert statuses == [200] * 10 + [409]


async def test_a_deleted_comment_leaves_a_tombstone_until_its_last_reply_is_deleted(site: Site) -> None:
    mika, ana = await site.sign_up("mika"), await site.sign_up("ana")
    made = await site.published(mika)
    first = await written(site, made, ana, text="secret", at={"start_ms": 100})
    reply = await written(site, made, mika, thread_id=first["id"])
    url = f"{API}/mechanisms/{made['id']}/comments"
    assert (await site.client.delete(f"{url}/{first['id']}", headers=ana)).status_code == 204
    shown = await listed(site, made)
    (tombstone,) = shown["items"]
    assert (tombstone["text"], tombstone["html"], tombstone["user"]) == (None, None, None)
    assert (tombstone["is_deleted"], shown["comment_count"]) == (True, 1)
    assert await refused(site, made, mika, thread_id=first["id"]) == (409, "COMMENT_DELETED")
    assert (await site.client.delete(f"{url}/{first['id']}", headers=ana)).status_code == 404
    assert (await site.client.delete(f"{url}/{reply['id']}", headers=mika)).status_code == 204
    assert (await listed(site, made))["items"] == []


async def test_a_deleted_account_leaves_tombstones_without_its_name(site: Site) -> None:
    mika, ana = await site.sign_up("mika"), await site.sign_up("ana")
    made = await site.published(mika)
    first = await written(site, made, ana)
    await written(site, made, ana, text="alone")
    await written(site, made, mika, thread_id=first["id"])
    leaving = {**ana, "If-Match": "*"}
    assert (await site.client.delete(f"{API}/users/me", headers=leaving)).status_code == 204
    (left,) = (await listed(site, made))["items"]
    assert (left["id"], left["user"], left["text"], left["reply_count"]) == (first["id"], None, None, 1)


async def test_the_owner_locks_comments_and_only_a_moderator_undoes_a_moderators_lock(site: Site) -> None:
    mika, ana = await site.sign_up("mika"), await site.sign_up("ana")
    moderator = await site.sign_up("moderator", Role.MODERATOR)
    made = await site.published(mika)
    comment = await written(site, made, ana)
    lock = f"{API}/mechanisms/{made['id']}/comment-lock"
    own = f"{API}/mechanisms/{made['id']}/comments/{comment['id']}"
    assert (await site.client.put(lock, headers=mika)).json()["by_moderator"] is False
    assert await refused(site, made, mika) == (409, "COMMENTS_LOCKED")
    assert (await site.client.patch(own, headers=ana, json={"text": "x"})).status_code == 409
    assert (await listed(site, made))["is_locked"] is True
    assert (await site.client.put(lock, headers=moderator)).json()["by_moderator"] is True
    undone = await site.client.delete(lock, headers=mika)
    assert (undone.status_code, undone.json()["code"]) == (403, "LOCKED_BY_MODERATOR")
    assert (await site.client.delete(own, headers=ana)).status_code == 204
    assert (await site.client.delete(lock, headers=moderator)).status_code == 204
    await written(site, made, ana)


async def test_a_blocked_user_reads_and_deletes_but_does_not_comment(site: Site) -> None:
    mika, ana = await site.sign_up("mika"), await site.sign_up("ana")
    admin = {**await site.sign_up("admin", Role.ADMIN), "If-Match": "*"}
    made = await site.published(mika)
    comment = await written(site, made, ana)
    blocked = await site.client.patch(
        f"{API}/users/{site.ids['ana']}", headers=admin, json={"role": "reader"}
    )
    assert blocked.status_code == 200
    own = f"{API}/mechanisms/{made['id']}/comments/{comment['id']}"
    assert (await refused(site, made, ana))[0] == 403
    assert (await site.client.patch(own, headers=ana, json={"text": "x"})).status_code == 403
    assert (await site.client.delete(own, headers=ana)).status_code == 204


async def test_the_text_of_a_comment_is_bounded(site: Site) -> None:
    mika = await site.sign_up("mika")
    made = await site.published(mika)
    for text in ("", "  ", "x" * 2_001, "x" + "\u0301" * 31, "\u202egnp", "\x00"):
        assert (await refused(site, made, mika, text=text))[0] == 422, text[:5]
    await written(site, made, mika, text="x" * 2_000)
