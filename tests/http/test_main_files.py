"""Replacing the main file over HTTP: the former one stays with its revision."""

from typing import Any

import httpx

from tests.http.conftest import API, Site
from tests.services.world import GIF
from tests.web.reading import SUBMIT

MECHANISMS = f"{API}/mechanisms"
OTHER = GIF + b"\0 other"
PDF = b"%PDF-1.7\n1 0 obj"


async def send(
    site: Site, headers: dict[str, str], id: str, content: bytes, version: str = "*"
) -> httpx.Response:
    return await site.client.post(
        f"{MECHANISMS}/{id}/file",
        headers={**headers, "If-Match": version},
        files={"file": ("rack.gif", content, "image/gif")},
    )


async def read(site: Site, path: str, headers: dict[str, str] | None = None) -> dict[str, Any]:
    response = await site.client.get(f"{MECHANISMS}/{path}", headers=headers or {})
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


async def status(site: Site, address: str, headers: dict[str, str] | None = None) -> int:
    return (await site.client.get(address, headers=headers or {})).status_code


async def test_the_former_file_is_shown_until_the_new_one_is_ready_and_then_in_its_revision(
    site: Site,
) -> None:
    mika = await site.sign_up("mika")
    id = (made := await site.published(mika))["id"]
    sent = await send(site, mika, id, OTHER)
    assert (sent.status_code, sent.json()["file_url"]) == (202, made["file_url"])
    assert sent.json()["processing"]["state"] == "pending"
    assert (await send(site, mika, id, OTHER)).json()["code"] == "NO_FILE_TO_REPLACE"
    await site.work()

    now = await read(site, id)
    assert now["media"]["sha256"] != made["media"]["sha256"]
    assert now["is_published"]
    former = await read(site, f"{id}?revision=1")
    assert former["media"] == made["media"]
    assert former["file_url"].startswith(made["file_url"])
    for name in ("file_url", "thumbnail_url", "preview_url"):
        assert await status(site, former[name]) == 200
        assert await status(site, now[name]) == 200
    newer, older = (await read(site, f"{id}/revisions"))["items"]
    assert (newer["changed"], newer["made_by"], newer["file"]) == (["file"], site.ids["mika"], None)
    assert (older["file"]["name"], older["file"]["size"]) == ("clip.gif", len(GIF))
    original = await site.client.get(f"{MECHANISMS}/{id}/revisions/1/file")
    assert original.content == GIF


async def test_restoring_a_revision_brings_its_file_back(site: Site) -> None:
    mika = await site.sign_up("mika")
    id = (made := await site.published(mika, "歯車"))["id"]
    for content in (OTHER, PDF):
        assert (await send(site, mika, id, content)).status_code == 202
        await site.work()
    document = await read(site, id)
    assert document["kind"] == "document"
    path = f"{MECHANISMS}/{id}/revisions/1/restore"
    restored = await site.client.post(path, headers={**mika, "If-Match": "*"})
    assert (restored.status_code, restored.json()["file_url"]) == (200, document["file_url"])
    await site.work()
    now = await read(site, id)
    assert (now["kind"], now["media"]["sha256"]) == ("clip", made["media"]["sha256"])
    assert await status(site, now["file_url"]) == 200
    shown = await read(site, f"{id}?revision=3")
    assert (shown["kind"], (await site.client.get(shown["file_url"])).content) == ("document", PDF)
    assert [one["file"] is None for one in (await read(site, f"{id}/revisions"))["items"]] == [
        True,
        False,
        False,
        True,
    ]


async def test_former_files_count_until_somebody_deletes_them(site: Site) -> None:
    mika, aoi = await site.sign_up("mika"), await site.sign_up("aoi")
    id = (await site.published(mika))["id"]
    await send(site, mika, id, OTHER)
    await site.work()
    former = await read(site, f"{id}?revision=1")
    path = f"{MECHANISMS}/{id}/revisions/1/file"
    assert (await site.client.delete(path, headers=aoi)).status_code == 403
    assert (await site.client.delete(path, headers=mika)).status_code == 204
    await site.work()
    assert (await site.client.delete(path, headers=mika)).json()["code"] == "FORMER_FILE_NOT_FOUND"
    assert await status(site, former["file_url"]) == await status(site, path) == 404
    assert await status(site, (await read(site, id))["file_url"]) == 200
    emptied = await read(site, f"{id}?revision=1")
    assert (emptied["title"], emptied["file_url"], emptied["media"]) == ("歯車", None, None)
    keys = [key async for key in site.adapters.blobs.list("")]
    async with site.adapters.database.read() as tx:
        assert set(keys) == await tx.blob_references.find_referenced(keys)


async def test_what_only_a_draft_showed_stays_with_its_editors(site: Site) -> None:
    mika = await site.sign_up("mika")
    id = (await site.ready(mika))["id"]
    await send(site, mika, id, OTHER)
    await site.work()
    former = await read(site, f"{id}?revision=1", mika)
    await site.client.post(f"{MECHANISMS}/{id}/publish", headers=mika)
    bare = former["file_url"].partition("?")[0]
    for address in (bare, f"{bare}?expires=99999999999&signature=x", f"{MECHANISMS}/{id}/revisions/1/file"):
        assert await status(site, address) == 404
    assert await status(site, f"{MECHANISMS}/{id}?revision=1") == 404
    assert await status(site, former["file_url"]) == 200
    assert await status(site, f"{MECHANISMS}/{id}/revisions/1/file", mika) == 200


async def test_only_so_many_former_files_stay(open_site: Any) -> None:
    site: Site = await open_site(former_files=1)
    mika = await site.sign_up("mika")
    id = (await site.published(mika))["id"]
    for content in (OTHER, OTHER + b"2"):
        await send(site, mika, id, content)
        await site.work()
    items = (await read(site, f"{id}/revisions"))["items"]
    assert [one["file"] is None for one in items] == [True, False, True]
    assert await site.application.main_files.prune(0) == 1
    await site.work()
    assert all(one["file"] is None for one in (await read(site, f"{id}/revisions"))["items"])


async def test_a_stale_version_and_a_file_of_another_kind_are_refused(site: Site) -> None:
    mika = await site.sign_up("mika")
    id = (await site.published(mika))["id"]
    assert (await send(site, mika, id, OTHER, '"1"')).status_code == 412
    refused = await send(site, mika, id, b"no clip")
    assert refused.status_code == 415
    assert len([key async for key in site.adapters.blobs.list("originals/")]) == 1


async def test_the_page_replaces_the_file_and_shows_former_ones(site: Site) -> None:
    mika = await site.sign_up("mika")
    id = (made := await site.published(mika))["id"]
    accepts = {**mika, **SUBMIT}
    form = (await site.client.get(f"/m/{id}/edit", headers=accepts)).text
    version = form.rpartition('name="version" value="')[2].partition('"')[0]
    sent = await site.client.post(
        f"/m/{id}/file",
        headers=accepts,
        data={"version": version},
        files={"file": ("rack.gif", OTHER, "image/gif")},
    )
    assert sent.status_code == 303, sent.text
    address, visitor = f"/m/{id}/revisions", {"Accept": "text/html"}
    assert "rack.gif is being processed" in (await site.client.get(address, headers=accepts)).text
    assert "rack.gif" not in (await site.client.get(address, headers=visitor)).text
    await site.work()
    revisions = (await site.client.get(address, headers=accepts)).text
    assert revisions.count('class="revision-file"') == 2
    assert f"/m/{id}/revisions/1/file/delete" in revisions
    former = (await site.client.get(f"/m/{id}?revision=1", headers=visitor)).text
    assert made["file_url"] in former
    assert "Show the current revision" in former
