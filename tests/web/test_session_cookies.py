"""Sessions of browsers: cookies that scripts cannot read, and no changes for pages of other sites."""

from typing import Any

import pytest

from mechshare.adapters.clock.frozen import FrozenClock
from mechshare.domain.sessions import ACCESS_TOKEN_LIFETIME
from tests.http.conftest import API, PASSWORD, Site
from tests.web.reading import OPEN, ORIGIN, sign_in, submit

ACCESS, REFRESH = "mechshare_access", "mechshare_refresh"
ELSEWHERE = ({"Origin": "http://other.test"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}, {})


@pytest.mark.parametrize(("scheme", "is_secure"), [("http", False), ("https", True)])
async def test_the_cookies_of_a_session_are_for_this_site_and_not_for_scripts(
    open_site: Any, scheme: str, is_secure: bool
) -> None:
    site = await open_site(public_url=f"{scheme}://mechshare.test/clips")
    await site.sign_up("hana")

    response = await submit(site, "/sign-in", username="hana", password=PASSWORD)

    cookies = response.headers.get_list("set-cookie")
    assert [one.partition("=")[0] for one in cookies] == [ACCESS, REFRESH]
    for cookie in cookies:
        attributes = {part.strip().lower() for part in cookie.split(";")[1:]}
        assert {"httponly", "samesite=lax", "path=/clips"} <= attributes
        assert ("secure" in attributes) == is_secure


async def test_a_session_continues_when_the_access_token_is_missing_or_has_expired(open_site: Any) -> None:
    clock = FrozenClock()
    site = await open_site(clock=clock)
    await site.sign_up("hana")
    await sign_in(site, "hana")
    first = site.client.cookies[REFRESH]

    clock.advance(ACCESS_TOKEN_LIFETIME * 2)
    expired = await site.client.get(f"{API}/users/me")
    second = site.client.cookies[REFRESH]
    site.client.cookies.delete(ACCESS)
    missing = await site.client.get(f"{API}/users/me")

    assert [expired.status_code, missing.status_code] == [200, 200]
    assert len({first, second, site.client.cookies[REFRESH]}) == 3


async def test_a_browser_deletes_the_cookies_of_a_session_that_was_ended_elsewhere(site: Site) -> None:
    await site.sign_up("hana")
    await sign_in(site, "hana")
    bearer = {"Authorization": f"Bearer {site.client.cookies[ACCESS]}", "Cookie": ""}
    assert (await site.client.post(f"{API}/auth/logout", headers=bearer)).status_code == 204

    home = await site.client.get("/", headers=OPEN)

    assert home.status_code == 200
    assert "/sign-in" in home.text
    assert not site.client.cookies


async def test_signing_out_ends_the_session_and_removes_the_cookies(site: Site) -> None:
    await site.sign_up("hana")
    await sign_in(site, "hana")
    refresh = site.client.cookies[REFRESH]

    assert (await submit(site, "/sign-out")).status_code == 303

    assert not site.client.cookies
    again = await site.client.post(f"{API}/auth/refresh", json={"refresh_token": refresh})
    assert again.status_code == 401


@pytest.mark.parametrize("fields", ELSEWHERE)
async def test_a_page_of_another_site_changes_nothing(site: Site, fields: dict[str, str]) -> None:
    await site.sign_up("hana")
    joining = {"username": "mallory", "email": "mallory@example.com", "password": PASSWORD}
    refused = [await site.client.post("/register", headers=fields, data=joining)]
    await sign_in(site, "hana")
    refused += [
        await site.client.post("/sign-out", headers=fields),
        await site.client.patch(f"{API}/users/me", headers=fields, json={"bio": "changed"}),
        await site.client.delete(f"{API}/users/me", headers=fields),
    ]

    assert [one.status_code for one in refused] == [403] * 4
    assert {one.json()["code"] for one in refused} == {"CROSS_SITE_REQUEST"}
    assert (await site.client.get(f"{API}/users/me")).json()["bio"] == ""


@pytest.mark.parametrize("fields", [{"Origin": ORIGIN}, {"Sec-Fetch-Site": "same-origin"}])
async def test_a_script_of_a_page_uses_the_api_by_the_session(site: Site, fields: dict[str, str]) -> None:
    await site.sign_up("hana")
    await sign_in(site, "hana")
    me = await site.client.get(f"{API}/users/me")
    change = {**fields, "If-Match": me.headers["etag"]}

    changed = await site.client.patch(f"{API}/users/me", headers=change, json={"bio": "Linkages."})

    assert (changed.status_code, changed.json().get("bio")) == (200, "Linkages.")


@pytest.mark.parametrize("fields", ELSEWHERE)
async def test_a_bearer_token_needs_no_origin_and_no_cookie(site: Site, fields: dict[str, str]) -> None:
    bearer = await site.sign_up("hana")
    me = await site.client.get(f"{API}/users/me", headers=bearer)
    change = {**bearer, **fields, "If-Match": me.headers["etag"]}

    changed = await site.client.patch(f"{API}/users/me", headers=change, json={"bio": "Linkages."})

    assert changed.status_code == 200


@pytest.mark.parametrize(
    "elsewhere", ["https://other.test/", "//other.test", "/\\other.test", "javascript:alert(1)"]
)
async def test_signing_in_never_leads_to_another_site(site: Site, elsewhere: str) -> None:
    await site.sign_up("hana")
    response = await submit(site, "/sign-in", username="hana", password=PASSWORD, next=elsewhere)
    assert response.headers["location"] == "/"
