"""What every page has, whoever opens it: its security headers, no inline code, addresses below the path of the site."""

import re
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from mechshare.domain.users import Role
from tests.http.conftest import API, Site
from tests.services.world import GIF
from tests.web.addresses import page_paths
from tests.web.reading import OPEN, Html, sign_in

SOME_ID = "01900000-0000-7000-8000-0000000000ff"


async def test_every_page_has_a_strict_policy_and_no_inline_code(site: Site) -> None:
    async for path, response in every_page(site):
        nonce = nonce_of(response)
        html = Html(response.text)

        assert html.inline == [], path
        assert html.nonces, path
        assert set(html.nonces) == {nonce}, path
        assert "unsafe" not in response.headers["content-security-policy"], path
        assert response.headers["referrer-policy"], path
        assert response.headers["x-content-type-options"] == "nosniff", path
        assert is_framed(path) or response.headers["x-frame-options"] == "DENY", path
        assert [id for id, count in html.ids.items() if count > 1] == [], path


async def test_a_page_has_a_new_nonce_each_time(site: Site) -> None:
    nonces = {nonce_of(await site.client.get("/", headers=OPEN)) for _ in range(3)}
    assert len(nonces) == 3


@pytest.mark.parametrize("public_url", ["http://mechshare.test/clips", "https://mechshare.test/a/b"])
async def test_every_address_of_every_page_begins_with_the_path_of_the_site(
    open_site: Any, public_url: str
) -> None:
    site = await open_site(public_url=public_url)
    base = urlsplit(public_url).path
    async for path, response in every_page(site):
        outside = [one for one in Html(response.text).addresses if not is_below(one, public_url, base)]
        assert outside == [], path


async def every_page(site: Site) -> Any:
    """Yields the path and the response of every page, opened by a guest and then by an administrator."""
    owner = await site.sign_up("hana", Role.ADMIN)
    shown = await site.published(owner, "歯車", description="Two gears.")
    await site.ready(owner, "Cam")
    values = {"mechanism_id": shown["id"], "user_id": site.ids["hana"], "category_id": "gears"}
    group = await site.client.post(f"{API}/groups", headers=owner, json={"name": "研究室"})
    search = await site.client.post(f"{API}/search/by-motion", headers=owner, files={"file": ("a.gif", GIF)})
    comments = f"{API}/mechanisms/{shown['id']}/comments"
    comment = await site.client.post(comments, headers=owner, json={"text": "*play*"})
    values |= {"group_id": group.json()["id"], "search_id": search.json()["id"]}
    values |= {"comment_id": comment.json()["id"]}
    made = await site.client.post(f"{API}/collections", headers=owner, json={"title": "カム"})
    values |= {"collection_id": made.json()["id"]}
    pages = page_paths(job_id=SOME_ID, **values)
    paths = [*pages, "/nothing-here", f"/m/{SOME_ID}", "/?q=nothing-like-it"]
    for path in paths:
        response = await site.client.get(path, headers=OPEN)
        if response.status_code != 303:
            yield path, html_of(path, response)
    await sign_in_below(site)
    for path in paths:
        yield path, html_of(path, await site.client.get(path, headers=OPEN))


async def sign_in_below(site: Site) -> None:
    """Signs in; the cookies are for the path of the site, so the client gets them for all paths."""
    await sign_in(site, "hana")
    for cookie in list(site.client.cookies.jar):
        site.client.cookies.set(cookie.name, cookie.value or "")


def html_of(path: str, response: httpx.Response) -> httpx.Response:
    assert response.headers.get("content-type", "").startswith("text/html"), (path, response.status_code)
    assert response.status_code in (200, 403, 404), (path, response.text)
    return response


def nonce_of(response: httpx.Response) -> str:
    found = re.search(r"script-src 'nonce-([\w-]{16,})'", response.headers["content-security-policy"])
    assert found, response.headers["content-security-policy"]
    return found[1]


def is_framed(path: str) -> bool:
    return path.startswith("/embed")


def is_below(address: str, public_url: str, base: str) -> bool:
    """Whether a link stays in the site, or leads to another site in full."""
    if address.startswith(("http://", "https://")):
        return address.startswith(public_url)
    return address == base or address.startswith((f"{base}/", f"{base}?", "#", "?", "data:"))
