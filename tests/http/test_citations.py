"""Citing over HTTP and on the page."""

from typing import Any

from tests.http.conftest import API, Site


async def test_a_mechanism_is_cited_by_its_permanent_address(site: Site) -> None:
    mika = await site.sign_up("mika")
    made = await site.published(mika, "遊星歯車 & <b>")
    found = (await site.client.get(f"{API}/mechanisms/{made['id']}/citation")).json()
    url = f"http://mechshare.test/m/{made['id']}"
    assert (found["url"], found["csl"]["URL"]) == (url, url)
    assert found["csl"]["version"] == str(made["version"])
    page = await site.client.get(f"/m/{made['id']}", headers={"Accept": "text/html"})
    assert page.headers["link"] == f'<{url}>; rel="cite-as"'
    assert "@misc{mechshare:" in page.text


async def test_the_address_is_that_of_the_public_site(open_site: Any) -> None:
    site = await open_site(public_url="https://example.com/clips")
    made = await site.published(await site.sign_up("mika"))
    found = (await site.client.get(f"{API}/mechanisms/{made['id']}/citation")).json()
    assert found["url"] == f"https://example.com/clips/m/{made['id']}"
