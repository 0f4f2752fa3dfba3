"""Notifications on the pages."""

import re

from tests.http.conftest import API, Site
from tests.web.visitors import Visitor, visitor


async def commented(site: Site, text: str = "play") -> tuple[Visitor, dict[str, str], str]:
    """Returns the browser of the owner of a mechanism on which somebody commented, the mechanism and the comment."""
    mika = await visitor(site, "mika")
    made = await site.published(site.tokens["mika"], "Cam")
    ana = await site.sign_up("ana")
    url = f"{API}/mechanisms/{made['id']}/comments"
    sent = await site.client.post(url, headers=ana, json={"text": text})
    return mika, made, sent.json()["id"]


async def test_the_header_counts_what_is_new_until_it_is_read(site: Site) -> None:
    mika, made, comment_id = await commented(site)
    assert 'aria-label="1 new notification"' in (await mika.open("/about")).text
    page = (await mika.open("/my/notifications")).text
    assert "commented on “Cam”" in page
    assert f'href="/m/{made["id"]}/comments/{comment_id}"' in page
    (one,) = re.findall(r"/my/notifications/[0-9a-f-]{36}/read", page)
    read = await mika.submit(one, next="/my/notifications?cursor=a")
    place = f"notification-{one.split('/')[3]}"
    assert read.headers["location"].endswith(f"/my/notifications?cursor=a#{place}")
    assert f'id="{place}"' in page
    assert "new notification" not in (await mika.open("/about")).text
    assert (await mika.submit("/my/notifications/read")).status_code == 303


async def test_a_person_chooses_kinds_and_mutes_a_mechanism(site: Site) -> None:
    mika, made, _ = await commented(site)
    assert (await mika.submit("/my/notifications/kinds", kind=["comment", "like"])).status_code == 303
    assert (await mika.submit(f"/m/{made['id']}/mute", do="add")).status_code == 303
    page = (await mika.open("/my/notifications?saved=muted")).text
    chosen = re.findall(r'name="kind" value="(\w+)" checked', page)
    assert (chosen, "Muted mechanisms" in page) == (["comment", "like"], True)
    assert f'<a href="/m/{made["id"]}">Cam</a> <button' in page
    assert (await mika.submit(f"/m/{made['id']}/mute", do="remove")).status_code == 303
    assert "Muted mechanisms" not in (await mika.open("/my/notifications")).text


async def test_a_reply_leads_to_its_thread(site: Site) -> None:
    mika, made, comment_id = await commented(site)
    page = f"/m/{made['id']}/comments"
    sent = await mika.submit(page, text="yes", thread_id=comment_id)
    reply_id = sent.headers["location"].partition("#comment-")[2]
    led = await mika.open(f"{page}/{reply_id}")
    assert led.headers["location"].endswith(f"{page}/{comment_id}#comment-{reply_id}")


async def test_new_followers_are_counted_without_their_names_and_lead_to_the_profile(site: Site) -> None:
    mika, ana = await visitor(site, "mika"), await site.sign_up("ana")
    await site.client.put(f"{API}/users/{site.ids['mika']}/follow", headers=ana)
    page = (await mika.open("/my/notifications")).text
    assert f'<a href="/u/{site.ids["mika"]}">1 person began to follow you</a>' in page
    assert "People who follow me" in page
    assert site.ids["ana"] not in page


async def test_a_mechanism_is_muted_on_its_page(site: Site) -> None:
    await site.sign_up("mika")
    made = await site.published(site.tokens["mika"], "Cam")
    page, ana = f"/m/{made['id']}", await visitor(site, "ana")
    assert "Mute notifications" not in (await site.client.get(page)).text
    for do, shown in (("add", "Notifications muted"), ("remove", "Mute notifications")):
        sent = await ana.submit(f"{page}/mute", do=do, next=page)
        assert sent.headers["location"].endswith(page)
        assert shown in (await ana.open(page)).text
    elsewhere = await ana.submit(f"{page}/mute", do="add", next="//other.example")
    assert "other.example" not in elsewhere.headers["location"]


async def test_a_muted_mechanism_that_is_no_longer_visible_has_no_title(site: Site) -> None:
    mika = await site.sign_up("mika")
    made = await site.published(mika, "Cam")
    ana = await visitor(site, "ana")
    await ana.submit(f"/m/{made['id']}/mute", do="add")
    await site.client.delete(f"{API}/mechanisms/{made['id']}", headers={**mika, "If-Match": "*"})
    page = (await ana.open("/my/notifications")).text
    assert "A mechanism that you cannot see at present" in page
    assert "Cam" not in page
    await ana.submit(f"/m/{made['id']}/mute", do="remove")
    assert "Muted mechanisms" not in (await ana.open("/my/notifications")).text
