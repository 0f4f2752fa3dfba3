"""Feeds of what is public, read by a feed reader of other people."""

from typing import Any
from xml.etree import ElementTree

import feedparser
import pytest

from mechshare.domain.users import Role
from mechshare.entrypoints.web.conditions import STEP
from tests.http.conftest import API, Site
from tests.web.visitors import Visitor, visitor

XSS = "<script>alert(1)</script>"


def feed_of(page: object) -> feedparser.FeedParserDict:
    feed = feedparser.parse(page.content)  # type: ignore[attr-defined]
    assert not feed.bozo, feed.get("bozo_exception")
    return feed


async def test_the_newest_public_mechanisms_are_in_the_atom_feed(site: Site) -> None:
    ana = await site.sign_up("ana")
    older = await site.published(ana, "Cam", description=f"One line\nand {XSS}")
    newer = await site.published(ana, "Gear & rack")
    await site.ready(ana, "a draft")

    page = await Visitor(site).open("/feed.atom")

    feed = feed_of(page)
    assert page.headers["content-type"].startswith("application/atom+xml")
    assert [entry.title for entry in feed.entries] == ["Gear & rack", "Cam"]
    assert [entry.link.rpartition("/")[2] for entry in feed.entries] == [newer["id"], older["id"]]
    assert {"rel": "self", "type": "application/atom+xml", "href": "http://mechshare.test/feed.atom"} in [
        dict(link) for link in feed.feed.links
    ]
    assert XSS not in page.text
    assert feed.entries[1].author == "ana"
    assert any(link.rel == "enclosure" and link.type == "video/mp4" for link in feed.entries[0].links)


@pytest.mark.parametrize("query", ["", "?q=%EF%BF%BE", "?category=%01"])
async def test_characters_that_xml_does_not_allow_leave_the_feed_readable(site: Site, query: str) -> None:
    ana = await site.sign_up("ana")
    await site.published(ana, "Cam \ufffe 😀 ]]>", description="one\uffff & two")
    page = await Visitor(site).open(f"/feed.atom{query}")
    assert "\ufffd" in ElementTree.fromstring(page.content)[0].text + page.text


async def test_the_json_feed_has_the_same_mechanisms(site: Site) -> None:
    ana = await site.sign_up("ana")
    made = await site.published(ana, "Cam", description=XSS)

    page = await Visitor(site).open("/feed.json")

    feed = page.json()
    (item,) = feed["items"]
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert feed["feed_url"] == "http://mechshare.test/feed.json"
    assert (item["title"], item["url"]) == ("Cam", f"http://mechshare.test/m/{made['id']}")
    assert XSS not in item["content_html"]
    assert "alert(1)" in item["content_html"]
    assert item["attachments"][0]["mime_type"] == "video/mp4"


async def test_a_feed_has_the_words_category_or_user_of_its_address(site: Site) -> None:
    ana, ben = await site.sign_up("ana"), await site.sign_up("ben")
    await site.published(ana, "Cam", categories="cams")
    gear = await site.published(ben, "Gear", categories="gears")
    await site.work()
    for address in ("/feed.json?category=gears", "/feed.json?q=gear", f"/u/{gear['user_id']}/feed.json"):
        feed = (await Visitor(site).open(address)).json()
        assert [item["title"] for item in feed["items"]] == ["Gear"], address
        assert feed["feed_url"] == f"http://mechshare.test{address}"


async def test_what_is_published_long_after_its_upload_is_new_in_feeds_and_pages(site: Site) -> None:
    ana = await site.sign_up("ana")
    draft = await site.ready(ana, "Cam", categories="cams")
    await site.published(ana, "Sooner", categories="cams")
    published = await site.client.post(f"{API}/mechanisms/{draft['id']}/publish", headers=ana)
    since = published.json()["published_at"]
    assert since > published.json()["created_at"]
    for feed in ("/feed.json", "/feed.json?category=cams", f"/u/{site.ids['ana']}/feed.json"):
        items = (await Visitor(site).open(feed)).json()["items"]
        assert [item["title"] for item in items] == ["Cam", "Sooner"], feed
        assert items[0]["date_published"] == f"{since[:19]}Z"
    (entry, _) = feed_of(await Visitor(site).open("/feed.atom")).entries
    assert (entry.title, entry.published) == ("Cam", f"{since[:19]}Z")
    moderator = await visitor(site, "mo", Role.MODERATOR)
    for place in ("/", "/?category=cams", f"/u/{site.ids['ana']}", "/moderation"):
        page = (await moderator.open(place)).text
        assert page.index(">Cam<") < page.index(">Sooner<"), place
    sitemap = (await moderator.open("/sitemap.xml")).text
    assert sitemap.index("/m/") == sitemap.index(f"/m/{draft['id']}")


async def test_the_feed_of_a_collection_has_all_of_it_with_its_categories(site: Site) -> None:
    ana = await site.sign_up("ana")
    made = await site.client.post(
        f"{API}/collections", headers=ana, json={"title": "Cams", "visibility": "public"}
    )
    titles = [f"Cam {n}" for n in range(STEP + 1)]
    for title in titles:
        one = await site.published(ana, title, categories="cams")
        await site.client.put(f"{made.headers['location']}/mechanisms/{one['id']}", headers=ana)

    feed = (await Visitor(site).open(f"/c/{made.json()['id']}/feed.json")).json()

    assert [item["title"] for item in feed["items"]] == titles
    assert {tag for item in feed["items"] for tag in item["tags"]} == {"Cams"}


@pytest.mark.parametrize("name", ["feed.atom", "feed.json"])
async def test_an_unchanged_feed_is_not_sent_again(site: Site, name: str) -> None:
    await site.published(await site.sign_up("ana"), "Cam")
    reader = Visitor(site)
    first = await reader.open(f"/{name}")
    again = await reader.browser.get(f"/{name}", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_pages_announce_their_feeds_to_programs_and_people(site: Site) -> None:
    ana = await site.sign_up("ana")
    cam = await site.published(ana, "Cam", categories="cams")
    await site.work()
    body = {"title": "Cams", "visibility": "public"}
    made = await site.client.post(f"{API}/collections", headers=ana, json=body)
    collection = f"/c/{made.json()['id']}"
    await site.client.put(f"{made.headers['location']}/mechanisms/{cam['id']}", headers=ana)
    profile = f"/u/{site.ids['ana']}"
    for path, feed in (
        ("/?q=cam&category=cams", "/feed.atom?q=cam&amp;category=cams"),
        (profile, f"{profile}/feed.atom"),
        (collection, f"{collection}/feed.atom"),
    ):
        page = (await Visitor(site).open(path)).text
        link = f'type="application/atom+xml" href="http://mechshare.test{feed}"'
        assert f'<link rel="alternate" {link}' in page
        assert f'<a class="soft" {link}>Atom</a>' in page


async def test_pages_that_only_members_see_name_no_feeds(open_site: Any) -> None:
    site = await open_site(anonymous="none")
    mika = await visitor(site, "mika")
    await site.published(site.tokens["mika"], "Cam")
    for path in ("/", f"/u/{site.ids['mika']}"):
        page = (await mika.open(path)).text
        assert ("Cam" in page, "feed.atom" in page) == (True, False)


async def test_the_feed_of_an_unknown_user_is_not_found(site: Site) -> None:
    assert (await Visitor(site).open("/u/nobody/feed.atom")).status_code == 404
