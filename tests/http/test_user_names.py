"""User names of companies: whatever their script, they register, sign in, and are found."""

from typing import Any

import pytest

from tests.http.conftest import API, PASSWORD, Site


async def register(site: Site, name: str, email: str) -> Any:
    body = {"username": name, "email": email, "password": PASSWORD}
    return await site.client.post(f"{API}/auth/register", json=body)


@pytest.mark.parametrize(
    ("name", "typed"),
    [("taro.yamada", "Taro.Yamada"), ("山田太郎", "山田太郎"), ("ロボ研", "ﾛﾎﾞ研"), ("yt", "ＹＴ")],
)
async def test_mechanisms_are_found_by_the_name_of_their_author(site: Site, name: str, typed: str) -> None:
    await register(site, name, "taro@example.com")
    await register(site, "somebody-else", "else@example.com")
    tokens = {}
    for one, login in ((name, typed), ("somebody-else", "somebody-else")):
        signed_in = await site.client.post(
            f"{API}/auth/login", json={"username": login, "password": PASSWORD}
        )
        assert signed_in.status_code == 200, signed_in.text
        tokens[one] = {"Authorization": f"Bearer {signed_in.json()['access_token']}"}
    made = await site.published(tokens[name], "gear")
    await site.published(tokens["somebody-else"], "gear")
    for query in ({"q": "gear", "author": typed}, {"q": f"author:{typed}"}):
        found = await site.client.get(f"{API}/search/mechanisms", params=query)
        assert [one["mechanism"]["id"] for one in found.json()["items"]] == [made["id"]], query
    page = await site.client.get("/", params={"author": typed}, headers={"Accept": "text/html"})
    assert made["id"] in page.text


async def test_names_that_differ_in_case_or_width_alone_are_one_name(site: Site) -> None:
    assert (await register(site, "ロボット", "a@example.com")).status_code == 201
    taken = await register(site, "ﾛﾎﾞｯﾄ", "b@example.com")
    assert (taken.status_code, taken.json()["code"]) == (409, "NAME_TAKEN")


async def test_a_name_that_imitates_another_by_a_second_script_is_refused(site: Site) -> None:
    refused = await register(site, "аdmin", "a@example.com")
    assert (refused.status_code, refused.json()["details"][0]["field"]) == (422, "username")
