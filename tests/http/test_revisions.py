"""Revisions over HTTP: what was stated before and by whom, which one a claim is about, and restoring one."""

from mechshare.domain.users import Role
from tests.http.conftest import API, Site
from tests.web.test_my_mechanisms import opened, submitted

MECHANISMS = f"{API}/mechanisms"


async def test_former_statements_stay_readable_and_can_be_restored(site: Site) -> None:
    mika, admin = await site.sign_up("mika"), await site.sign_up("admin", Role.ADMIN)
    made = await site.published(mika, "歯車", parameters="stroke = 12 mm", license="MIT")
    path = f"{MECHANISMS}/{made['id']}"
    claim = {"kind": "supports", "text": "三回測定"}
    for headers, changes in (
        (mika, {"reliability": {"level": 2, "reason": "r"}}),
        (mika, {"title": "遊星歯車"}),
        (admin, {"parameters": None, "license": "CC0-1.0"}),
    ):
        response = await site.client.patch(path, json=changes, headers={**headers, "If-Match": "*"})
        assert response.status_code == 200, response.text
        assert (await site.client.post(f"{path}/claims", json=claim, headers=admin)).status_code == 201

    items = (await site.client.get(f"{path}/revisions")).json()["items"]
    assert [(one["number"], one["title"], one["changed"], one["made_by"]) for one in items] == [
        (3, "遊星歯車", ["parameters", "license"], site.ids["admin"]),
        (2, "遊星歯車", ["title"], site.ids["mika"]),
        (1, "歯車", [], site.ids["mika"]),
    ]
    assert [one["is_current"] for one in items] == [True, False, False]
    claims = (await site.client.get(f"{path}/claims")).json()["items"]
    assert [one["revision"] for one in claims] == [3, 2, 1]

    former = (await site.client.get(f"{path}?revision=1")).json()
    assert (former["title"], former["parameters"], former["license"]) == ("歯車", made["parameters"], "MIT")
    assert (await site.client.get(path)).json()["title"] == "遊星歯車"
    missing = await site.client.get(f"{path}?revision=9")
    assert (missing.status_code, missing.json()["code"]) == (404, "REVISION_NOT_FOUND")
    assert (await site.client.get(f"{path}?revision=1.0")).status_code == 400

    restored = await site.client.post(f"{path}/revisions/1/restore", headers={**mika, "If-Match": "*"})
    assert (restored.json()["title"], restored.json()["license"]) == ("歯車", "MIT")
    assert restored.json()["reliability"]["level"] == 2
    numbers = [one["number"] for one in (await site.client.get(f"{path}/revisions")).json()["items"]]
    assert numbers == [4, 3, 2, 1]


async def test_what_only_a_draft_said_stays_with_its_owner_and_admins(site: Site) -> None:
    mika, rui, admin = (
        await site.sign_up("mika"),
        await site.sign_up("rui"),
        await site.sign_up("root", Role.ADMIN),
    )
    made = await site.ready(mika, "顧客名の入った題名")
    path = f"{MECHANISMS}/{made['id']}"
    editing = {**mika, "If-Match": "*"}
    await site.client.patch(path, json={"title": "歯車"}, headers=editing)
    await site.client.post(f"{path}/publish", headers=editing)
    await site.client.patch(path, json={"title": "遊星歯車"}, headers=editing)

    async def numbers(headers: dict[str, str]) -> list[int]:
        items = (await site.client.get(f"{path}/revisions", headers=headers)).json()["items"]
        return [one["number"] for one in items]

    assert [await numbers(one) for one in ({}, rui, mika, admin)] == [[3, 2], [3, 2], [3, 2, 1], [3, 2, 1]]
    assert (await site.client.get(f"{path}?revision=1", headers=rui)).status_code == 404
    assert (await site.client.get(f"{path}?revision=1", headers=mika)).json()["title"] == "顧客名の入った題名"
    page = (await opened(site, f"/m/{made['id']}/revisions", rui)).text
    assert "顧客名" not in page


async def test_two_revisions_stand_side_by_side_on_a_page(site: Site) -> None:
    mika, rui = await site.sign_up("mika"), await site.sign_up("rui")
    made = await site.published(mika, "<i>歯車</i>", parameters="stroke = 12 mm")
    path = f"/m/{made['id']}/revisions"
    alone = await opened(site, path, {})
    assert (alone.status_code, "<del>" in alone.text) == (200, False)
    changes = {"title": "遊星歯車"}
    headers = {**mika, "If-Match": "*"}
    changed = await site.client.patch(f"{MECHANISMS}/{made['id']}", json=changes, headers=headers)
    shown = (await opened(site, path, rui)).text
    assert "<del>&lt;i&gt;歯車&lt;/i&gt;</del>" in shown
    assert "<ins>遊星歯車</ins>" in shown
    assert "/restore" not in shown
    assert "/restore" in (await opened(site, path, mika)).text
    assert (await opened(site, f"{path}?older=7", mika)).status_code == 404
    fields = {"version": str(changed.json()["version"])}
    assert (await submitted(site, f"{path}/1/restore", mika, fields)).status_code == 303
    assert (await site.client.get(f"{MECHANISMS}/{made['id']}")).json()["title"] == "<i>歯車</i>"
