"""The page of a mechanism, its link previews, the embedded player and the comparison."""

import json
import re
from io import BytesIO
from typing import Any

import httpx
import micawber
from micawber.parsers import full_handler
from PIL import Image

from mechshare.domain.ids import UserId
from mechshare.domain.statements import Statement
from mechshare.domain.users import Actor, Role
from mechshare.services.support.drafts import Draft, ExternalMedia
from tests.http.conftest import API, PASSWORD, Site

HOST = "http://mechshare.test"
HOSTILE = "</script><script>alert(1)</script><b onmouseover='alert(2)'>\"&"
MISSING = "01890000-0000-7000-8000-000000000000"


async def get(site: Site, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
    return await site.client.get(path, headers={"Accept": "text/html", **(headers or {})})


async def post(site: Site, path: str, headers: dict[str, str], **fields: str) -> httpx.Response:
    browser = {"Accept": "text/html", "Origin": HOST}
    return await site.client.post(path, headers={**browser, **headers}, data=fields)


async def external(site: Site, owner: str) -> str:
    """Publishes a clip on another host; returns its id."""
    actor = Actor(id=UserId(site.ids[owner]), role=Role.USER)
    media = ExternalMedia(
        file_url="https://clips.example.org/a.mp4",
        thumbnail_url="https://clips.example.org/a.png",
        duration=2,
    )
    draft = Draft(statement=Statement(title="Elsewhere"), media=media)
    made = await site.application.mechanisms.import_mechanism(actor, draft)
    await site.application.mechanisms.publish(actor, made.mechanism.id)
    return made.mechanism.id


async def test_a_public_mechanism_has_a_player_facts_and_previews(site: Site) -> None:
    ana = await site.sign_up("ana")
    made = await site.published(ana, "Cam", description="One line\nand another")

    shown = (await get(site, f"/m/{made['id']}")).text

    address = f"{HOST}/m/{made['id']}"
    assert f'<link rel="canonical" href="{address}">' in shown
    assert f'<meta property="og:image" content="{HOST}{made["thumbnail_url"]}">' in shown
    assert f'<meta property="og:video" content="{HOST}{made["file_url"]}">' in shown
    assert '<meta name="twitter:card" content="player">' in shown
    assert "One line\nand another</p>" in shown
    assert f'data-frames="{made["media"]["frame_count"]}"' in shown
    assert 'class="qr"' in shown
    assert "style=" not in shown
    stated = re.search(r'<script type="application/ld\+json">(.*?)</script>', shown)
    assert stated
    assert json.loads(stated[1])["embedUrl"] == f"{HOST}/embed/{made['id']}"


async def test_text_of_people_never_becomes_markup(site: Site) -> None:
    ana = await site.sign_up("ana")
    made = await site.published(ana, HOSTILE, description=HOSTILE)

    for path in (f"/m/{made['id']}", f"/embed/{made['id']}", f"/compare?a={made['id']}&b={made['id']}"):
        shown = (await get(site, path)).text
        assert "alert(1)</script>" not in shown
        assert "<b onmouseover" not in shown
        assert "alert(1)" in shown


async def test_a_draft_is_shown_to_its_owner_only_and_has_no_preview(site: Site) -> None:
    ana, eve = await site.sign_up("ana"), await site.sign_up("eve")
    made = await site.ready(ana, "Draft")
    path = f"/m/{made['id']}"

    own = await get(site, path, ana)

    assert own.status_code == 200
    assert "og:image" not in own.text
    assert "oembed" not in own.text
    assert f'action="{path}/publish"' in own.text
    assert f'action="{path}/delete"' in own.text
    for headers in (eve, {}):
        assert (await get(site, path, headers)).status_code == 404
        assert (await get(site, f"/embed/{made['id']}", headers)).status_code == 404
        compared = await get(site, f"/compare?a={made['id']}", headers)
        assert compared.status_code == 404
        assert "Draft" not in compared.text
    # A frame of another site carries no session, so that even the owner sees nothing in it.
    assert (await get(site, f"/embed/{made['id']}", ana)).status_code == 404
    oembed = await site.client.get("/oembed", params={"url": HOST + path}, headers=ana)
    assert oembed.status_code == 404


async def test_a_clip_that_is_being_processed_says_so(site: Site) -> None:
    ana = await site.sign_up("ana")
    made = await site.share(ana, "Waiting")

    shown = await get(site, f"/m/{made['id']}", ana)

    assert "Processing is under way" in shown.text
    assert "<video" not in shown.text
    refused = await post(site, f"/m/{made['id']}/publish", ana)
    assert refused.status_code == 409
    assert 'role="alert"' in refused.text


async def test_an_owner_publishes_withdraws_and_deletes(site: Site) -> None:
    ana = await site.sign_up("ana")
    path = f"/m/{(await site.ready(ana))['id']}"

    published = await post(site, f"{path}/publish", ana)
    assert (published.status_code, published.headers["location"]) == (303, path)
    assert (await get(site, path)).status_code == 200
    withdrawn = await post(site, f"{path}/withdraw", ana, next="/my")
    assert (withdrawn.status_code, withdrawn.headers["location"]) == (303, "/my")
    assert (await get(site, path)).status_code == 404
    stale = await post(site, f"{path}/delete", ana, version="99")
    assert stale.status_code == 412
    assert 'role="alert"' in stale.text
    deleted = await post(site, f"{path}/delete", ana, next="//evil.example")
    assert (deleted.status_code, deleted.headers["location"]) == (303, "/")
    assert (await get(site, path, ana)).status_code == 404


async def test_an_owner_chooses_the_moment_of_the_thumbnail(site: Site) -> None:
    ana = await site.sign_up("ana")
    made = await site.ready(ana)
    path = f"/m/{made['id']}/thumbnail"

    refused = await post(site, path, ana, thumbnail_at="99")
    assert (refused.status_code, "0 to 2.4 seconds" in refused.text) == (422, True)
    assert (await post(site, path, ana, thumbnail_at="1.5")).status_code == 303
    await site.work()

    after = (await site.client.get(f"/api/v1/mechanisms/{made['id']}", headers=ana)).json()
    assert after["media"]["thumbnail_at"] == 1.5
    assert after["thumbnail_url"].partition("?")[0] != made["thumbnail_url"].partition("?")[0]


async def test_an_owner_sends_a_picture_for_the_thumbnail_and_removes_it(site: Site) -> None:
    ana = await site.sign_up("ana")
    made = await site.ready(ana)
    path = f"/m/{made['id']}/thumbnail/picture"
    browser = {"Accept": "text/html", "Origin": HOST, **ana}
    content = BytesIO()
    Image.new("RGB", (32, 24), "firebrick").save(content, "PNG")

    refused = await site.client.post(path, headers=browser, files={"file": ("a.txt", b"text")})
    assert (refused.status_code, 'role="alert"' in refused.text) == (415, True)
    sent = await site.client.post(path, headers=browser, files={"file": ("a.png", content.getvalue())})
    assert (sent.status_code, sent.headers["location"]) == (303, f"/m/{made['id']}")
    assert f"{path}/remove" in (await get(site, f"/m/{made['id']}", ana)).text
    assert (await post(site, f"{path}/remove", ana)).status_code == 303
    assert f"{path}/remove" not in (await get(site, f"/m/{made['id']}", ana)).text


async def test_other_users_neither_see_nor_use_the_actions_of_the_owner(site: Site) -> None:
    ana, eve = await site.sign_up("ana"), await site.sign_up("eve")
    path = f"/m/{(await site.published(ana))['id']}"

    shown = await get(site, path, eve)

    assert "/withdraw" not in shown.text
    assert "/delete" not in shown.text
    for action in ("publish", "withdraw", "delete"):
        assert (await post(site, f"{path}/{action}", eve, reason="no")).status_code == 403
        assert (await post(site, f"{path}/{action}", {}, reason="no")).status_code == 401
    assert (await get(site, path)).status_code == 200


async def test_a_moderator_withdraws_with_a_reason_that_the_owner_reads(site: Site) -> None:
    ana = await site.sign_up("ana")
    moderator = await site.sign_up("mori", Role.MODERATOR)
    path = f"/m/{(await site.published(ana))['id']}"
    assert 'name="reason"' in (await get(site, path, moderator)).text

    without = await post(site, f"{path}/withdraw", moderator, reason=" ")
    assert without.status_code == 422
    assert 'aria-invalid="true"' in without.text
    assert (await post(site, f"{path}/withdraw", moderator, reason="Not a <mechanism>")).status_code == 303

    own = await get(site, path, ana)
    assert "Not a &lt;mechanism&gt;" in own.text
    assert "/publish" not in own.text
    refused = await post(site, f"{path}/publish", ana)
    assert refused.status_code == 403
    assert "Not a" in refused.text
    assert (await post(site, f"{path}/publish", moderator)).status_code == 303


async def test_a_form_of_another_site_changes_nothing(site: Site) -> None:
    ana = await site.sign_up("ana")
    path = f"/m/{(await site.ready(ana))['id']}"
    await post(site, "/sign-in", {}, username="ana", password=PASSWORD)

    forged = await post(site, f"{path}/publish", {"Origin": "https://evil.example"})

    assert forged.status_code == 403
    assert (await post(site, f"{path}/publish", {})).status_code == 303


async def test_the_embedded_player_may_be_framed_and_the_page_may_not(site: Site) -> None:
    ana = await site.sign_up("ana")
    made = await site.published(ana, "Cam")

    embedded = await get(site, f"/embed/{made['id']}")
    watched = await get(site, f"/m/{made['id']}")

    assert "frame-ancestors *" in embedded.headers["content-security-policy"]
    assert "x-frame-options" not in embedded.headers
    assert "frame-ancestors 'none'" in watched.headers["content-security-policy"]
    assert f'href="{HOST}/m/{made["id"]}"' in embedded.text
    assert "<header" not in embedded.text
    missing = await get(site, f"/embed/{MISSING}")
    assert missing.status_code == 404
    assert "not available" in missing.text


async def test_oembed_describes_public_mechanisms_within_the_given_size(site: Site) -> None:
    ana = await site.sign_up("ana")
    made = await site.published(ana, 'Cam "<b>"')
    address = f"{HOST}/m/{made['id']}"

    plain = (await site.client.get("/oembed", params={"url": address})).json()
    small = (
        await site.client.get("/oembed", params={"url": address, "maxwidth": 200, "maxheight": 100})
    ).json()

    assert (plain["version"], plain["type"], plain["title"]) == ("1.0", "video", 'Cam "<b>"')
    assert f'src="{HOST}/embed/{made["id"]}"' in plain["html"]
    assert "<b>" not in plain["html"]
    assert small["width"] <= 200
    assert small["height"] <= 100
    assert f'width="{small["width"]}"' in small["html"]


async def test_a_consumer_of_oembed_embeds_the_player_in_place_of_the_address(site: Site) -> None:
    made = await site.published(await site.sign_up("ana"), "Cam")
    address = f"{HOST}/m/{made['id']}"
    provider = micawber.Provider(f"{HOST}/oembed")
    with_slash = await site.client.get("/oembed", params={"url": f"{address}/"})
    response = await site.client.get(f"/oembed?{provider.encode_params(address, maxwidth=200)}")

    described = provider.handle_response(response.text, address)

    assert with_slash.json()["title"] == described["title"]
    assert f'src="{HOST}/embed/{made["id"]}"' in full_handler(address, described)


async def test_no_cache_may_show_a_mechanism_that_has_become_private_since(site: Site) -> None:
    ana = await site.sign_up("ana")
    made = await site.published(ana, "Secret cam")
    addresses = (
        *(f"/oembed?url={HOST}/m/{made['id']}", "/sitemap.xml", "/feed.atom", "/feed.json"),
        *(f"/u/{made['user_id']}/feed.atom", f"/m/{made['id']}", f"/embed/{made['id']}"),
    )
    etags = {}
    for address in addresses:
        read = await site.client.get(address)
        assert made["id"] in read.text
        assert {"no-cache", "max-age=0"} & {*read.headers["cache-control"].split(", ")}, address
        etags[address] = read.headers.get("etag", '"none"')
    again = [await site.client.get(one, headers={"If-None-Match": etag}) for one, etag in etags.items()]
    assert [read.status_code for read in again] == [304] * 5 + [200] * 2

    hidden = await site.client.put(
        f"{API}/mechanisms/{made['id']}/visibility",
        headers=ana | {"If-Match": "*"},
        json={"visibility": "private"},
    )

    assert hidden.status_code == 200, hidden.text
    for address, etag in etags.items():
        read = await site.client.get(address, headers={"If-None-Match": etag})
        assert read.status_code in (200, 404), address
        assert made["id"] not in read.text.replace(address, ""), address
        assert "Secret cam" not in read.text, address


async def test_oembed_refuses_other_addresses_and_formats(site: Site) -> None:
    ana = await site.sign_up("ana")
    made = await site.published(ana)
    others = (
        "",
        HOST,
        f"{HOST}/m/{MISSING}",
        f"{HOST}/m/nothing",
        f"https://evil.example/m/{made['id']}",
        f"{HOST}/u/{made['user_id']}",
        "http://[",
    )
    for address in others:
        assert (await site.client.get("/oembed", params={"url": address})).status_code == 404, address
    xml = {"url": f"{HOST}/m/{made['id']}", "format": "xml"}
    assert (await site.client.get("/oembed", params=xml)).status_code == 501


async def test_previews_use_the_public_address_of_the_site(open_site: Any) -> None:
    public = "https://example.org/motion"
    site = await open_site(public_url=public)
    made = await site.published(await site.sign_up("ana"))

    shown = (await get(site, f"/m/{made['id']}")).text
    found = await site.client.get("/oembed", params={"url": f"{public}/m/{made['id']}"})

    assert f'<link rel="canonical" href="{public}/m/{made["id"]}">' in shown
    assert f'<meta property="og:video" content="{public}/api/v1/media/' in shown
    assert found.json()["html"].startswith(f'<iframe src="{public}/embed/{made["id"]}"')


async def test_a_clip_on_another_host_is_a_link_until_a_click(site: Site) -> None:
    ana = await site.sign_up("ana")
    made = await external(site, "ana")
    own = await site.published(ana, "Here")

    for path in (f"/m/{made}", f"/embed/{made}", f"/compare?a={made}&b={own['id']}"):
        response = await get(site, path)
        assert response.headers["referrer-policy"] == "no-referrer"
        shown = response.text
        # Browsers load nothing of a template.
        body = re.sub(r"<template>.*?</template>", "", shown.partition("<body")[2], flags=re.DOTALL)
        assert 'src="https://clips.example.org' not in body
        assert 'poster="https' not in body
        assert "Load the clip from clips.example.org" in body
        assert 'referrerpolicy="no-referrer"' in body


async def test_a_comparison_offers_mechanisms_until_there_are_two(site: Site) -> None:
    ana = await site.sign_up("ana")
    left, right = await site.published(ana, "Cam disc"), await site.published(ana, "Gear pair")

    first = (await get(site, f"/compare?a={left['id']}&q=gear")).text
    both = await get(site, f"/compare?a={left['id']}&b={right['id']}")
    lost = await get(site, f"/compare?a={left['id']}&b={MISSING}")

    assert f"?a={left['id']}&amp;b={right['id']}" in first
    assert both.status_code == 200
    assert both.text.count("<video") == 2
    assert f"?a={right['id']}&amp;b={left['id']}" in both.text
    assert lost.status_code == 404
    assert "Choose another one" in lost.text
    # Both clips have a period, so that the page can run them at the same one.
    assert both.text.count('data-period="2.4"') == 2
    assert '<option value="period">' in both.text
    assert (await get(site, "/compare")).status_code == 200


async def test_the_page_is_in_japanese_for_readers_of_japanese(site: Site) -> None:
    ana = await site.sign_up("ana")
    made = await site.published(ana)
    japanese = {"Accept-Language": "ja"}

    shown = (await get(site, f"/m/{made['id']}", japanese)).text
    compared = (await get(site, f"/compare?a={made['id']}&b={made['id']}", japanese)).text

    assert "角度を測る" in shown
    assert "ダウンロード（MP4）" in shown
    assert "左右を入れ替える" in compared
    assert "{percent} %、" in compared
