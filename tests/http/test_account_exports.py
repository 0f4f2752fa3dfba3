"""A zip of everything that is a user's."""

import io
import json
import zipfile
from typing import Any

from mechshare.domain.users import Role
from tests.http.conftest import API, Site
from tests.services.world import GIF

EXPORT = f"{API}/users/me/export"


async def exported(site: Site, headers: dict[str, str]) -> zipfile.ZipFile:
    await site.client.post(EXPORT, headers=headers)
    await site.work()
    state = (await site.client.get(EXPORT, headers=headers)).json()
    assert state["state"] == "ready"
    response = await site.client.get(state["file_url"], headers=headers)
    assert (response.status_code, response.headers["content-type"]) == (200, "application/zip")
    assert len(response.content) == state["size"]
    return zipfile.ZipFile(io.BytesIO(response.content))


async def commented(site: Site, headers: dict[str, str], mechanism: dict[str, Any]) -> None:
    path = f"{API}/mechanisms/{mechanism['id']}"
    await site.client.post(f"{path}/publish", headers=site.tokens["mika"])
    sent = await site.client.post(f"{path}/comments", headers=headers, json={"text": "遊び"})
    assert sent.status_code == 201, sent.text


async def everything_of(site: Site, headers: dict[str, str]) -> dict[str, Any]:
    """Gives the user one of each thing, and returns the mechanism."""
    made = await site.ready(headers, "遊星歯車", description="説明")
    path = f"{API}/mechanisms/{made['id']}"
    await site.client.post(f"{path}/attachments", headers=headers, files={"file": ("../a.step", b"solid")})
    for mark in ("bookmark", "like"):
        await site.client.put(f"{path}/marks/{mark}", headers=headers)
    await site.client.post(f"{path}/comments", headers=headers, json={"text": "よく回る"})
    await site.client.post(f"{API}/groups", headers=headers, json={"name": "設計課"})
    token = {"name": "試験機", "scopes": ["read"]}
    await site.client.post(f"{API}/auth/tokens", headers=headers, json=token)
    report = {"user_id": site.ids["other"], "reason": "spam"}
    await site.client.post(f"{API}/reports", headers=headers, json=report)
    await site.client.put(f"{API}/users/me/notification-mutes/kinds/like", headers=headers)
    collection = await site.client.post(f"{API}/collections", headers=headers, json={"title": "歯車"})
    entry = f"{API}/collections/{collection.json()['id']}/mechanisms/{made['id']}"
    await site.client.put(entry, headers=headers, json={})
    await site.client.put(f"{API}/users/{site.ids['other']}/follow", headers=headers)
    await commented(site, site.tokens["other"], made)
    webhook = {"url": "https://hooks.example/mechshare"}
    await site.client.post(f"{API}/users/me/webhooks", headers=headers, json=webhook)
    return made


async def test_the_zip_contains_everything_and_nothing_of_others(site: Site) -> None:
    other = await site.sign_up("other")
    theirs = await site.published(other, "secret of other")
    headers = await site.sign_up("mika")
    made = await everything_of(site, headers)
    claim = {"kind": "supports", "text": "三回測定"}
    claims = f"{API}/mechanisms/{theirs['id']}/claims"
    assert (await site.client.post(claims, headers=headers, json=claim)).status_code == 201

    archive = await exported(site, headers)

    assert archive.testzip() is None
    read = {name: json.loads(archive.read(name)) for name in archive.namelist() if name.endswith(".json")}
    folder = f"mechanisms/{made['id']}"
    assert archive.read(f"{folder}/clip.gif") == GIF
    (attached,) = [name for name in archive.namelist() if "/attachments/" in name]
    assert (attached.startswith(f"{folder}/attachments/"), attached.endswith("/a.step")) == (True, True)
    assert archive.read(attached) == b"solid"
    assert read["account.json"]["email"] == "mika@example.com"
    assert [one["title"] for one in read["mechanisms.json"]] == ["遊星歯車"]
    assert [one["file"] for one in read["manifest.json"]["mechanisms"]] == [f"{folder}/clip.gif"]
    (collected,) = read["manifest.json"]["collections"]
    assert (collected["title"], collected["files"]) == ("歯車", [f"{folder}/clip.gif"])
    assert [one["text"] for one in read["claims.json"]] == ["三回測定"]
    assert [one["text"] for one in read["comments.json"]] == ["よく回る"]
    assert sorted(one["kind"] for one in read["marks.json"]) == ["bookmark", "like"]
    assert [one["title"] for one in read["collections.json"]] == ["歯車"]
    assert read["follows.json"]["user_ids"] == [site.ids["other"]]
    assert [one["kind"] for one in read["notifications.json"]] == ["comment"]
    assert [one["url"] for one in read["webhooks.json"]] == ["https://hooks.example/mechshare"]
    assert read["muted-notifications.json"] == ["like"]
    assert [one["name"] for one in read["groups.json"]] == ["設計課"]
    assert [one["name"] for one in read["tokens.json"]] == ["試験機"]
    assert [one["reason"] for one in read["reports.json"]] == ["spam"]
    assert len(read["sign-ins.json"]) == 1
    assert "signed_in" in {one["action"] for one in read["actions.json"]}
    everything = b"".join(archive.read(name) for name in archive.namelist())
    assert b"secret of other" not in everything
    assert b"hash" not in everything


async def test_only_its_owner_downloads_the_file_which_ends_with_the_account(site: Site) -> None:
    headers, admin = await site.sign_up("mika"), await site.sign_up("hana", Role.ADMIN)
    assert (await site.client.get(EXPORT, headers=headers)).status_code == 404
    requested = await site.client.post(EXPORT, headers=headers)
    assert (requested.status_code, requested.json()["state"]) == (202, "pending")
    early = await site.client.get(f"{EXPORT}/file", headers=headers)
    assert (early.status_code, early.json()["code"]) == (409, "ACCOUNT_EXPORT_NOT_READY")
    await exported(site, headers)
    for caller in ({}, admin):
        assert (await site.client.get(f"{EXPORT}/file", headers=caller)).status_code in (401, 404)
    keys = [key async for key in site.adapters.blobs.list("exports/")]
    assert len(keys) == 1
    await site.client.delete(f"{API}/users/me", headers={**headers, "If-Match": "*"})
    await site.work()
    assert [key async for key in site.adapters.blobs.list("exports/")] == []


async def test_a_second_request_waits_for_the_first_and_a_later_one_replaces_it(site: Site) -> None:
    headers = await site.sign_up("mika")
    first = (await site.client.post(EXPORT, headers=headers)).json()
    assert (await site.client.post(EXPORT, headers=headers)).json() == first
    await exported(site, headers)
    await exported(site, headers)
    assert len([key async for key in site.adapters.blobs.list("exports/")]) == 1


async def test_a_deletion_is_previewed(site: Site) -> None:
    await site.sign_up("other")
    headers = await site.sign_up("mika")
    await everything_of(site, headers)
    preview = (await site.client.get(f"{API}/users/me/deletion", headers=headers)).json()
    assert preview.pop("bytes_used") >= len(GIF)
    assert preview.pop("audit_entries") > 0
    assert preview.pop("claims") == 0
    assert preview == dict.fromkeys(preview, 1)
    assert {"collections", "follows", "likes", "bookmarks", "notifications", "webhooks"} < preview.keys()
