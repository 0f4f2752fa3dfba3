"""The level of reliability over HTTP: lists by level, and the history."""

from typing import Any

from mechshare.domain.users import Role
from tests.http.conftest import API, Site

MECHANISMS = f"{API}/mechanisms"


async def titles(site: Site, address: str) -> list[str]:
    response = await site.client.get(address)
    assert response.status_code == 200, response.text
    return [one["title"] for one in response.json()["items"]]


async def test_lists_are_filtered_and_ordered_by_the_level(site: Site) -> None:
    mika = await site.sign_up("mika")
    for level in ("", "2", "5"):
        stated: dict[str, str] = {"reliability_level": level, "reliability_reason": "r"} if level else {}
        await site.published(mika, f"歯車{level}", categories="gears", **stated)
    await site.published(mika, "カム", reliability_level="4", reliability_reason="r")
    assert await titles(site, f"{MECHANISMS}?sort=-reliability") == ["歯車5", "カム", "歯車2", "歯車"]
    assert await titles(site, f"{MECHANISMS}?reliability_min=2&category=gears") == ["歯車5", "歯車2"]
    assert await titles(site, f"{MECHANISMS}?reliability_min=1&sort=created_at") == ["歯車2", "歯車5", "カム"]
    first = (await site.client.get(f"{MECHANISMS}?sort=-reliability&limit=3")).json()
    assert await titles(site, f"{MECHANISMS}?sort=-reliability&cursor={first['next']}") == ["歯車"]
    foreign = await site.client.get(
        f"{MECHANISMS}?sort=-reliability&reliability_min=1&cursor={first['next']}"
    )
    assert foreign.status_code == 400
    assert (await site.client.get(f"{MECHANISMS}?reliability_min=6")).status_code == 400


async def test_the_history_says_who_stated_which_level_when_and_why(site: Site) -> None:
    mika = await site.sign_up("mika")
    admin = await site.sign_up("admin", Role.ADMIN)
    made = await site.published(mika, "歯車", reliability_level="2", reliability_reason="一度測定")
    path = f"{MECHANISMS}/{made['id']}"
    for headers, changes in (
        (mika, {"title": "遊星歯車"}),
        (admin, {"reliability": {"level": 5, "reason": "機械工学便覧"}}),
        (mika, {"reliability": None}),
    ):
        changed = await site.client.patch(path, headers={**headers, "If-Match": "*"}, json=changes)
        assert changed.status_code == 200
    items = (await site.client.get(f"{path}/reliability/history")).json()["items"]
    assert [(one["changed_by"], one["reliability"]) for one in items] == [
        (site.ids["mika"], None),
        (site.ids["admin"], {"level": 5, "reason": "機械工学便覧"}),
        (site.ids["mika"], {"level": 2, "reason": "一度測定"}),
    ]
    assert items[0]["changed_at"] == changed.json()["updated_at"]
    assert [one["changed_by_name"] for one in items[-1:]] == ["mika"]


async def test_the_history_of_a_draft_is_not_found_by_others(site: Site) -> None:
    mika, other = await site.sign_up("mika"), await site.sign_up("other")
    draft: dict[str, Any] = await site.ready(mika, reliability_level="1", reliability_reason="秘密")
    response = await site.client.get(f"{MECHANISMS}/{draft['id']}/reliability/history", headers=other)
    assert (response.status_code, "秘密" in response.text) == (404, False)
