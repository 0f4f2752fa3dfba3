"""Notifications over HTTP: who gets one of what, and who no more."""

import asyncio
from typing import Any

import pytest

from mechshare.domain.users import Role
from mechshare.services import notification_feed, notifications
from mechshare.testing.bounds import bounded
from tests.http.conftest import API, Site

Headers = dict[str, str]


async def post(site: Site, path: str, headers: Headers, **body: Any) -> dict[str, Any]:
    response = await site.client.post(f"{API}{path}", headers=headers, json=body)
    assert response.status_code in (200, 201), response.text
    return dict(response.json())


async def listed(site: Site, headers: Headers) -> list[dict[str, Any]]:
    response = await site.client.get(f"{API}/users/me/notifications", headers=headers)
    assert response.status_code == 200, response.text
    return list(response.json()["items"])


async def kinds(site: Site, headers: Headers) -> list[str]:
    return [one["kind"] for one in await listed(site, headers)]


async def unread(site: Site, headers: Headers) -> int:
    response = await site.client.get(f"{API}/users/me/notifications/unread", headers=headers)
    return int(response.json()["unread"])


async def put(site: Site, path: str, headers: Headers) -> None:
    response = await site.client.put(f"{API}{path}", headers=headers)
    assert response.status_code in (200, 204), response.text


async def test_each_person_whom_a_comment_concerns_gets_one_notification(site: Site) -> None:
    mika, ana, ren = [await site.sign_up(name) for name in ("mika", "ana", "ren")]
    made = await site.published(mika, "Cam")
    comments = f"/mechanisms/{made['id']}/comments"
    first = await post(site, comments, ana, text="play, @ren and @mika and @nobody and @ana")
    await post(site, comments, ren, text="yes, @anaさん", thread_id=first["id"])
    assert await kinds(site, mika) == ["comment", "mention"]
    assert await kinds(site, ana) == ["mention"]
    listed_html = (await site.client.get(API + comments)).json()["items"][-1]["html"]
    assert f'/u/{site.ids["ren"]}"' in listed_html
    (mention,) = await listed(site, ren)
    assert (mention["kind"], mention["title"], mention["subject"]) == ("mention", "Cam", first["id"])
    assert (mention["actor"]["username"], mention["read_at"]) == ("ana", None)
    await post(site, comments, ren, text="once more", thread_id=first["id"])
    assert await kinds(site, ana) == ["reply", "mention"]


async def test_an_edit_notifies_those_whom_it_newly_mentions(site: Site) -> None:
    mika, ana, ren = [await site.sign_up(name) for name in ("mika", "ana", "ren")]
    made = await site.published(mika)
    comments = f"/mechanisms/{made['id']}/comments"
    comment = await post(site, comments, ana, text="see @mika")
    url = f"{API}{comments}/{comment['id']}"
    assert (await site.client.patch(url, headers=ana, json={"text": "see @mika @ren"})).status_code == 200
    assert (await kinds(site, mika), await kinds(site, ren)) == (["mention"], ["mention"])


async def test_a_mention_of_a_deleted_account_is_plain_text(site: Site) -> None:
    mika, ana, ren = [await site.sign_up(name) for name in ("mika", "ana", "ren")]
    made = await site.published(mika)
    comments = f"/mechanisms/{made['id']}/comments"
    written = await post(site, comments, ana, text="see @ren and @mika")
    assert (await site.client.delete(f"{API}/users/me", headers=ren | {"If-Match": "*"})).status_code == 204
    page = await site.client.get(f"/m/{made['id']}", headers={"Accept": "text/html"})
    (read,) = (await site.client.get(API + comments)).json()["items"]
    assert (read["text"], "see @ren and" in read["html"]) == ("see @ren and @mika", True)
    assert f"/u/{site.ids['mika']}" in read["html"]
    assert site.ids["ren"] not in read["html"] + page.text
    url = f"{API}{comments}/{written['id']}"
    edited = await site.client.patch(url, headers=ana, json={"text": "see @ren, @mika"})
    assert site.ids["ren"] not in edited.text


async def test_a_deleted_comment_notifies_nobody(site: Site) -> None:
    mika, ana = await site.sign_up("mika"), await site.sign_up("ana")
    made = await site.published(mika)
    comments = f"/mechanisms/{made['id']}/comments"
    comment = await post(site, comments, ana, text="play")
    await site.client.delete(f"{API}{comments}/{comment['id']}", headers=ana)
    assert await kinds(site, mika) == []


async def test_likes_are_one_notification_with_their_number_as_it_is_now(site: Site) -> None:
    mika, ana, ren = [await site.sign_up(name) for name in ("mika", "ana", "ren")]
    made = await site.published(mika)
    like = f"/mechanisms/{made['id']}/marks/like"
    for fan in (mika, ana, ren, ana):
        await put(site, like, fan)
    (digest,) = await listed(site, mika)
    assert (digest["kind"], digest["count"], digest["actor"]) == ("like", 2, None)
    await site.client.delete(f"{API}{like}", headers=ana)
    assert [one["count"] for one in await listed(site, mika)] == [1]
    await site.client.delete(f"{API}{like}", headers=ren)
    assert (await kinds(site, mika), await unread(site, mika)) == ([], 0)
    await post(site, f"/mechanisms/{made['id']}/comments", ana, text="play")
    await put(site, like, ren)
    (newest, _) = await listed(site, mika)
    assert (newest["kind"], newest["count"], newest["id"] != digest["id"]) == ("like", 1, True)


async def test_follows_are_one_notification_that_names_nobody_and_counts_who_follows_now(site: Site) -> None:
    mika, ana, ren = [await site.sign_up(name) for name in ("mika", "ana", "ren")]
    follow = f"/users/{site.ids['mika']}/follow"
    for fan in (mika, ana, ren, ana):
        await put(site, follow, fan)
    (digest,) = await listed(site, mika)
    assert (digest["kind"], digest["count"], digest["actor"]) == ("follow", 2, None)
    assert (digest["mechanism_id"], digest["subject"]) == (None, "")
    await site.client.delete(f"{API}{follow}", headers=ana)
    assert [one["count"] for one in await listed(site, mika)] == [1]
    await put(site, "/users/me/notifications/read", mika)
    await put(site, follow, ana)
    assert [one["count"] for one in await listed(site, mika)] == [1, 1]
    for fan in (ana, ren):
        await site.client.delete(f"{API}{follow}", headers=fan)
    await put(site, "/users/me/notifications/read", mika)
    await put(site, "/users/me/notification-mutes/kinds/follow", mika)
    await put(site, follow, ren)
    assert (await kinds(site, mika), await unread(site, mika)) == ([], 0)


async def test_notifications_are_read_one_by_one_or_all(site: Site) -> None:
    mika, ana = await site.sign_up("mika"), await site.sign_up("ana")
    made = await site.published(mika)
    for text in ("one", "two", "three"):
        await post(site, f"/mechanisms/{made['id']}/comments", ana, text=text)
    newest = (await listed(site, mika))[0]["id"]
    assert await unread(site, mika) == 3
    await put(site, f"/users/me/notifications/{newest}/read", mika)
    assert await unread(site, mika) == 2
    await put(site, "/users/me/notifications/read", mika)
    assert await unread(site, mika) == 0
    assert all(one["read_at"] for one in await listed(site, mika))


async def test_evidence_and_decisions_notify_those_whom_they_concern(site: Site) -> None:
    mika, ana = await site.sign_up("mika"), await site.sign_up("ana")
    moderator = await site.sign_up("moderator", Role.MODERATOR)
    made = await site.published(mika)
    claim = await post(site, f"/mechanisms/{made['id']}/claims", ana, kind="supports", text="measured")
    assert await kinds(site, mika) == ["evidence"]
    await post(site, f"/mechanisms/{made['id']}/claims/{claim['id']}/withdraw", moderator)
    assert await kinds(site, ana) == ["decision"]
    report = await post(site, "/reports", ana, mechanism_id=made["id"], reason="copied")
    await post(site, f"/reports/{report['id']}/decide", moderator, decision="withdraw", reason="copied")
    (decision,) = await listed(site, ana)
    assert (decision["kind"], decision["subject"], decision["mechanism_id"]) == (
        "decision",
        report["id"],
        None,
    )
    assert decision["actor"] is None
    assert await kinds(site, mika) == ["decision", "evidence"]


async def test_a_reply_to_a_claim_notifies_who_made_it(site: Site) -> None:
    mika, ana = await site.sign_up("mika"), await site.sign_up("ana")
    made = await site.published(mika, "Cam")
    own, other = [
        await post(site, f"/mechanisms/{made['id']}/claims", name, kind="refines", text="measured")
        for name in (mika, ana)
    ]
    for claim in (own, other):
        await post(site, f"/mechanisms/{made['id']}/claims/{claim['id']}/reply", mika, text="thanks")
    (reply,) = await listed(site, ana)
    assert (reply["kind"], reply["subject"], reply["title"]) == ("claim_reply", other["id"], "Cam")
    assert reply["actor"]["username"] == "mika"
    assert await kinds(site, mika) == ["evidence"]


async def test_a_notification_names_no_mechanism_that_its_receiver_may_no_longer_see(site: Site) -> None:
    mika, ana, ren = [await site.sign_up(name) for name in ("mika", "ana", "ren")]
    made = await site.published(mika, "Secret")
    await post(site, f"/mechanisms/{made['id']}/comments", ana, text="@ren")
    assert await unread(site, ren) == 1
    await post(site, f"/mechanisms/{made['id']}/withdraw", mika)
    assert (await listed(site, ren), await unread(site, ren)) == ([], 0)
    assert await unread(site, mika) == 1


async def test_a_muted_kind_or_mechanism_sends_no_notifications(site: Site) -> None:
    mika, ana = await site.sign_up("mika"), await site.sign_up("ana")
    made, other = await site.published(mika), await site.published(mika)
    mutes = "/users/me/notification-mutes"
    await put(site, f"{mutes}/kinds/like", mika)
    await put(site, f"{mutes}/mechanisms/{other['id']}", mika)
    for one in (made, other):
        await put(site, f"/mechanisms/{one['id']}/marks/like", ana)
        await post(site, f"/mechanisms/{one['id']}/comments", ana, text="play")
    assert [(one["kind"], one["mechanism_id"]) for one in await listed(site, mika)] == [
        ("comment", made["id"])
    ]
    muted = (await site.client.get(f"{API}{mutes}", headers=mika)).json()
    assert muted == {"kinds": ["like"], "mechanisms": [other["id"]]}
    for path in ("kinds/like", f"mechanisms/{other['id']}"):
        await site.client.delete(f"{API}{mutes}/{path}", headers=mika)
    await put(site, f"/mechanisms/{other['id']}/marks/like", await site.sign_up("ren"))
    assert (await kinds(site, mika))[0] == "like"


async def test_who_has_muted_as_many_mechanisms_as_possible_may_repeat_it(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifications, "MAX_MUTED", 1)
    mika = await site.sign_up("mika")
    made, other = await site.published(mika), await site.published(mika)
    mutes = f"{API}/users/me/notification-mutes/mechanisms"
    statuses = [
        (await site.client.put(f"{mutes}/{one['id']}", headers=mika)).status_code
        for one in (made, made, other)
    ]
    assert statuses == [204, 204, 409]


async def test_the_stream_sends_the_count_at_each_change_until_the_session_ends(
    open_site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notification_feed, "POLL_INTERVAL", 0.01)
    site: Site = await open_site()
    mika, ana = [await site.sign_up(name) for name in ("mika", "ana")]
    made = await site.published(mika, "Cam")
    feed = site.application.notification_feed
    events = f"{API}/users/me/notifications/events"
    async with bounded():
        watching = asyncio.create_task(site.client.get(events, headers=mika))
        while feed.state(site.ids["mika"]) is None:
            await feed.wait()
        await post(site, f"/mechanisms/{made['id']}/comments", ana, text="遊び")
        for _ in range(3):
            await feed.wait()
        await put(site, "/users/me/notifications/read", mika)
        for _ in range(3):
            await feed.wait()
        await site.client.post(f"{API}/auth/logout", headers=mika)
        watched = await watching
    assert watched.headers["content-type"].startswith("text/event-stream")
    sent = [line for line in watched.text.splitlines() if line.startswith("data: ")]
    assert sent == [f'data: {{"unread":{count},"is_exact":true}}' for count in (0, 1, 0)]
