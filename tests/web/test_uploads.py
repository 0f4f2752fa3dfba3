"""The upload page and its plain form, and the form that edits a mechanism."""

import re
from typing import Any

import httpx
import pytest

from mechshare.domain.users import Role
from tests.http.conftest import API, Site
from tests.services.world import GIF
from tests.web.reading import OPEN, SUBMIT

SOME_ID = "01900000-0000-7000-8000-0000000000ff"


async def opened(site: Site, path: str, headers: dict[str, str], **more: str) -> httpx.Response:
    return await site.client.get(path, headers={**OPEN, **headers, **more})


async def submitted(site: Site, path: str, headers: dict[str, str], fields: dict[str, Any]) -> httpx.Response:
    return await site.client.post(path, headers={**SUBMIT, **headers}, data=fields)


async def uploaded(
    site: Site, headers: dict[str, str], content: bytes = GIF, **fields: Any
) -> httpx.Response:
    return await site.client.post(
        "/upload",
        headers={**SUBMIT, **headers},
        data=fields,
        files={"file": ("clip.gif", content, "image/gif")},
    )


def hidden_fields(page: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page))


@pytest.fixture
async def mika(site: Site) -> dict[str, str]:
    return await site.sign_up("mika")


async def test_a_guest_is_sent_to_the_sign_in_page(site: Site) -> None:
    response = await opened(site, "/upload", {})
    assert (response.status_code, response.headers["location"]) == (303, "/sign-in?next=/upload")


async def test_the_page_refuses_files_in_the_words_of_the_server(site: Site, mika: dict[str, str]) -> None:
    japanese = await opened(site, "/upload", mika, **{"Accept-Language": "ja"})
    refused = await site.client.post(
        f"{API}/mechanisms",
        headers={**mika, "Accept-Language": "ja"},
        data={"title": "歯車"},
        files={"file": ("part.step", b"ISO-10303-21;", "model/step")},
    )
    assert refused.json()["code"] == "UNSUPPORTED_FILE"
    assert f'data-unsupported="{refused.json()["message"]}"' in japanese.text
    assert "ファイルが上限（" in japanese.text


async def test_the_page_shows_the_quota_and_the_categories_in_the_language_of_the_person(
    site: Site, mika: dict[str, str]
) -> None:
    english = await opened(site, "/upload", mika)
    japanese = await opened(site, "/upload", mika, **{"Accept-Language": "ja"})
    assert "You use 0 B of the 256 MiB that you may store." in english.text
    assert "Planetary gears" in english.text
    assert "遊星歯車" not in english.text
    assert "保存容量：256 MiB のうち 0 B を使用中です。" in japanese.text
    assert "遊星歯車" in japanese.text


async def test_the_plain_form_works_without_scripts(site: Site, mika: dict[str, str]) -> None:
    response = await uploaded(
        site, mika, title="四節リンク", description="a\r\nb", categories=["gears", "cams"]
    )
    assert response.status_code == 303
    id = response.headers["location"].removeprefix("/m/")
    made = (await site.client.get(f"{API}/mechanisms/{id}", headers=mika)).json()
    assert (made["title"], made["description"]) == ("四節リンク", "a\nb")
    assert made["categories"] == ["gears", "cams"]
    assert made["processing"]["state"] == "pending"


async def test_categories_are_added_by_name_when_posting_and_editing(
    site: Site, mika: dict[str, str]
) -> None:
    response = await uploaded(site, mika, title="四節リンク", categories=["gears", "機械, ＣＡＭＳ"])
    path = response.headers["location"]
    page = (await opened(site, f"{path}/edit", mika)).text
    fields = {**hidden_fields(page), "title": "四節リンク", "categories": ["gears", "電子"]}
    assert (await submitted(site, f"{path}/edit", mika, fields)).status_code == 303
    names = {
        one["id"]: one["name_ja"] for one in (await site.client.get(f"{API}/categories")).json()["items"]
    }
    made = (await site.client.get(f"{API}/mechanisms/{path.removeprefix('/m/')}", headers=mika)).json()
    assert {"機械", "電子"} <= set(names.values())
    assert [names[id] for id in made["categories"]] == ["歯車", "電子"]


async def test_a_refused_form_keeps_the_added_categories(site: Site, mika: dict[str, str]) -> None:
    response = await uploaded(site, mika, title="x", categories=["gears", "機械, a/b"])
    assert response.status_code == 422
    assert 'value="機械, a/b"' in response.text


async def test_categories_cannot_be_added_where_admins_add_them(open_site: Any) -> None:
    site = await open_site(categories="admins")
    assert "Add categories" not in (await opened(site, "/upload", await site.sign_up("mika"))).text


@pytest.mark.parametrize(
    ("content", "title", "status", "message"),
    [
        pytest.param(GIF, " ", 422, 'aria-invalid="true"', id="title"),
        pytest.param(b"no clip", "歯車", 415, "The format of this file is not supported.", id="format"),
        pytest.param(GIF.ljust(300_000, b"\0"), "歯車", 413, "exceeds the limit of 200000 bytes.", id="size"),
    ],
)
async def test_a_refused_form_comes_back_with_its_texts_and_the_reason(
    open_site: Any, content: bytes, title: str, status: int, message: str
) -> None:
    site = await open_site(max_upload_bytes=200_000)
    headers = await site.sign_up("mika")
    response = await uploaded(site, headers, content, title=title, description="<b>x</b>", categories="gears")
    assert response.status_code == status
    assert message in response.text
    assert "&lt;b&gt;x&lt;/b&gt;" in response.text
    assert 'value="gears" checked' in response.text
    assert (await site.client.get(f"{API}/users/me", headers=headers)).json()["quota"]["bytes_used"] == 0


async def test_a_form_of_another_site_stores_nothing(site: Site, mika: dict[str, str]) -> None:
    token = mika["Authorization"].removeprefix("Bearer ")
    response = await site.client.post(
        "/upload",
        headers={**OPEN, "Origin": "http://other.test", "Cookie": f"mechshare_access={token}"},
        data={"title": "歯車"},
        files={"file": ("clip.gif", GIF, "image/gif")},
    )
    assert response.status_code == 403
    assert (await site.client.get(f"{API}/users/me", headers=mika)).json()["quota"]["bytes_used"] == 0


async def test_editing_saves_the_texts_and_leads_to_the_page(site: Site, mika: dict[str, str]) -> None:
    made = await site.ready(mika, "Old", categories="gears")
    path = f"/m/{made['id']}/edit"
    form = await opened(site, path, mika)
    assert 'value="gears" checked' in form.text
    fields = {**hidden_fields(form.text), "title": "New", "description": "Moves.", "categories": ["cams"]}
    response = await submitted(site, path, mika, fields)
    assert (response.status_code, response.headers["location"]) == (303, f"/m/{made['id']}")
    saved = (await site.client.get(f"{API}/mechanisms/{made['id']}", headers=mika)).json()
    assert (saved["title"], saved["description"], saved["categories"]) == ("New", "Moves.", ["cams"])


async def test_a_lost_update_is_refused_with_both_texts(site: Site, mika: dict[str, str]) -> None:
    made = await site.ready(mika, "Old")
    path = f"/m/{made['id']}/edit"
    first, second = [hidden_fields((await opened(site, path, mika)).text) for _ in range(2)]
    assert (await submitted(site, path, mika, {**first, "title": "Of the other tab"})).status_code == 303
    refused = await submitted(site, path, mika, {**second, "title": "Mine", "description": "Mine too"})
    assert refused.status_code == 412
    assert 'value="Mine"' in refused.text
    assert "Of the other tab" in refused.text
    assert "Your changes are not saved yet." in refused.text
    again = {**hidden_fields(refused.text), "title": "Mine", "description": "Mine too"}
    assert (await submitted(site, path, mika, again)).status_code == 303


async def test_processing_between_opening_and_saving_is_no_lost_update(
    site: Site, mika: dict[str, str]
) -> None:
    made = await site.share(mika, "Old")
    path = f"/m/{made['id']}/edit"
    fields = hidden_fields((await opened(site, path, mika)).text)
    await site.work()
    response = await submitted(site, path, mika, {**fields, "title": "New"})
    assert response.status_code == 303


async def test_the_rules_of_the_texts_are_said_at_their_field(site: Site, mika: dict[str, str]) -> None:
    made = await site.ready(mika)
    path = f"/m/{made['id']}/edit"
    fields = hidden_fields((await opened(site, path, mika)).text)
    response = await submitted(site, path, mika, {**fields, "title": "x" * 201})
    assert response.status_code == 422
    assert 'aria-invalid="true"' in response.text


@pytest.mark.parametrize(("role", "status"), [(Role.USER, 403), (Role.MODERATOR, 403), (Role.ADMIN, 200)])
async def test_only_owners_and_administrators_edit(
    site: Site, mika: dict[str, str], role: Role, status: int
) -> None:
    made = await site.published(mika)
    other = await site.sign_up("other", role)
    assert (await opened(site, f"/m/{made['id']}/edit", other)).status_code == status


async def test_drafts_of_others_look_exactly_like_unknown_mechanisms(
    site: Site, mika: dict[str, str]
) -> None:
    made = await site.ready(mika)
    other = await site.sign_up("other")
    for id in (made["id"], SOME_ID, "nothing"):
        assert (await opened(site, f"/m/{id}/edit", other)).status_code == 404
