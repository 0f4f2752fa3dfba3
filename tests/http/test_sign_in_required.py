"""An installation that shows strangers nothing (MECHSHARE_ANONYMOUS=none)."""

from typing import Any

import pytest

from mechshare.entrypoints.http.middleware.sign_in_required import OPEN_PATHS
from tests.http.conftest import API, Site
from tests.http.test_access_matrix import ABSENT, routes
from tests.web.addresses import page_paths
from tests.web.visitors import Visitor

PAGE = {"Accept": "text/html"}


@pytest.fixture
async def site(open_site: Any) -> Site:
    site: Site = await open_site(anonymous="none")
    await site.sign_up("mika")
    return site


async def test_a_stranger_gets_401_at_every_route_whether_or_not_anything_is_there(site: Site) -> None:
    made = await site.published(site.tokens["mika"], "secret gearbox")
    for name, _ in routes(site):
        method, template = name.split(" ")
        if template in OPEN_PATHS:
            continue
        for id in (made["id"], ABSENT):
            parts = (id if part[:1] == "{" else part for part in template.split("/"))
            refused = await site.client.request(method, "/".join(parts))
            assert (refused.status_code, refused.json()["code"]) == (401, "AUTHENTICATION_REQUIRED"), name
            assert refused.headers["cache-control"] == "no-store"


async def test_what_is_cached_for_members_is_refused_to_strangers(site: Site) -> None:
    made = await site.published(site.tokens["mika"], "secret gearbox")
    paths = (
        *(f"{API}/mechanisms", f"{API}/mechanisms/{made['id']}", f"{API}/categories"),
        *(f"{API}/search/mechanisms?q=gearbox", f"{API}/search/suggest?q=gear", made["thumbnail_url"]),
    )
    for path in paths:
        for _ in range(2):
            read = await site.client.get(path, headers=site.tokens["mika"])
            assert (read.status_code, read.headers["cache-control"][:7]) == (200, "private"), path
            assert "s-maxage" not in read.headers["cache-control"]
        for headers in ({}, {"Authorization": "Bearer x"}, {"If-None-Match": read.headers["etag"]}):
            assert (await site.client.get(path, headers=headers)).status_code == 401, path


async def test_a_signed_link_to_a_draft_is_no_sign_in(site: Site) -> None:
    made = await site.ready(site.tokens["mika"])
    assert "signature" in made["file_url"] or "?" in made["file_url"]
    assert (await site.client.get(made["file_url"])).status_code == 401
    assert (await site.client.get(made["file_url"], headers=site.tokens["mika"])).status_code == 200


async def test_a_browser_is_led_to_the_sign_in_page_which_shows_nothing(site: Site) -> None:
    made = await site.published(site.tokens["mika"], "secret gearbox")
    values = {"mechanism_id": made["id"], "user_id": site.ids["mika"], "category_id": "gears"}
    absent = dict.fromkeys(("job_id", "group_id", "collection_id", "search_id", "comment_id"), ABSENT)
    for path in page_paths(**absent, **values):
        if path in OPEN_PATHS:
            continue
        led = await site.client.get(path, headers=PAGE)
        assert (led.status_code, led.headers["location"].partition("?")[0]) == (303, "/sign-in"), path
    shown = await site.client.get("/sign-in", headers=PAGE)
    assert shown.status_code == 200
    assert not any(word in shown.text for word in ("secret", "mika", "og:", 'href="/?category'))
    for path in ("/sitemap.xml", "/oembed", "/cards"):
        assert (await site.client.get(path)).status_code == 401, path
    assert (await site.client.get("/robots.txt")).text == "User-agent: *\nDisallow: /\n"


async def test_a_member_signs_in_by_the_page_and_sees_everything(site: Site) -> None:
    made = await site.published(site.tokens["mika"], "secret gearbox")
    mika = await Visitor(site).sign_in("mika")
    page = await mika.open("/")
    assert "secret gearbox" in page.text
    assert (await mika.open(made["thumbnail_url"])).status_code == 200


async def test_a_ticket_opens_its_stream_and_nothing_else_does(site: Site) -> None:
    made = await site.published(site.tokens["mika"])
    path = f"{API}/mechanisms/{made['id']}/processing"
    ticket = (await site.client.post(f"{path}/ticket", headers=site.tokens["mika"])).json()["ticket"]
    for query, status in ((f"ticket={ticket}", 200), ("ticket=", 401), ("ticket=x", 401), ("", 401)):
        assert (await site.client.head(f"{path}/events?{query}")).status_code == status, query
    assert (await site.client.get(f"{path}?ticket={ticket}")).status_code == 401
