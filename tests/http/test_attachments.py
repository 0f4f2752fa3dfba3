"""Attachments over HTTP."""

from base64 import b64encode
from hashlib import sha256
from typing import Any

import pytest

from tests.http.conftest import API, Site

STEP = b"ISO-10303-21;\nHEADER;\nENDSEC;\n"
HTML = b"<!doctype html><script>alert(1)</script>"


async def attach(
    site: Site, headers: dict[str, str], id: str, name: str, content: bytes, **fields: str
) -> dict[str, Any]:
    form = {"data": fields, "files": {"file": (name, content, "text/html")}}
    made = await site.client.post(f"{API}/mechanisms/{id}/attachments", headers=headers, **form)
    assert made.status_code == 201, made.text
    attached: dict[str, Any] = made.json()
    return attached


async def names(site: Site, headers: dict[str, str], id: str) -> list[str]:
    found = await site.client.get(f"{API}/mechanisms/{id}/attachments", headers=headers)
    return [one["name"] for one in found.json()["items"]]


async def test_a_file_of_any_kind_is_attached_and_downloaded_as_it_was_sent(site: Site) -> None:
    headers = await site.sign_up("sakura")
    id = (await site.ready(headers))["id"]

    made = await attach(site, headers, id, "C:\\図面\\歯車.step", STEP, caption="組立図")

    assert (made["name"], made["caption"], made["position"]) == ("歯車.step", "組立図", 0)
    assert (made["type"], made["size"]) == ("model/step", len(STEP))
    assert made["sha256"] == sha256(STEP).hexdigest()
    response = await site.client.get(made["url"], headers={**headers, "Range": "bytes=0-2"})
    assert (response.status_code, response.content) == (206, b"ISO")
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["content-disposition"].startswith("attachment; filename*=UTF-8''%E6")


async def test_a_page_is_sent_as_plain_text(site: Site) -> None:
    headers = await site.sign_up("sakura")
    made = await attach(site, headers, (await site.ready(headers))["id"], "a.html", HTML)

    response = await site.client.get(made["url"], headers=headers)

    assert response.headers["content-type"].partition(";")[0] == made["type"] == "text/plain"
    assert response.headers["content-disposition"].startswith("attachment;")


async def test_attachments_are_seen_by_those_who_see_the_mechanism(site: Site) -> None:
    headers, other = await site.sign_up("sakura"), await site.sign_up("other")
    mechanism = await site.ready(headers)
    made = await attach(site, headers, mechanism["id"], "a.step", STEP)
    paths = (f"{API}/mechanisms/{mechanism['id']}/attachments", made["url"])

    async def statuses() -> list[int]:
        return [
            (await site.client.get(path, headers=who)).status_code for path in paths for who in ({}, other)
        ]

    assert await statuses() == [404] * 4
    await site.client.post(f"{API}/mechanisms/{mechanism['id']}/publish", headers=headers)
    assert await statuses() == [200] * 4


async def test_attachments_are_moved_captioned_and_removed(site: Site) -> None:
    headers = await site.sign_up("sakura")
    id = (await site.ready(headers))["id"]
    first, _, third = [await attach(site, headers, id, name, STEP) for name in ("1", "2", "3")]
    path = f"{API}/mechanisms/{id}/attachments"

    moved = await site.client.patch(
        f"{path}/{third['id']}", headers=headers, json={"position": 0, "caption": "先頭"}
    )

    assert (moved.json()["position"], moved.json()["caption"]) == (0, "先頭")
    assert await names(site, headers, id) == ["3", "1", "2"]
    assert (await site.client.delete(f"{path}/{first['id']}", headers=headers)).status_code == 204
    await site.work()
    assert await names(site, headers, id) == ["3", "2"]
    assert (await site.client.get(first["url"], headers=headers)).json()["code"] == "ATTACHMENT_NOT_FOUND"
    assert (await site.client.get(third["url"], headers=headers)).content == STEP


async def test_an_upload_for_an_attachment_may_be_of_any_kind(site: Site) -> None:
    headers = await site.sign_up("sakura")
    id = (await site.ready(headers))["id"]
    purpose = {"Upload-Metadata": f"filename {b64encode(b'a.step').decode()},purpose YXR0YWNobWVudA=="}
    tus = {"Tus-Resumable": "1.0.0", "Upload-Length": str(len(STEP))}
    body = {**tus, "Content-Type": "application/offset+octet-stream"}
    begun = await site.client.post(f"{API}/uploads", headers={**headers, **body, **purpose}, content=STEP)
    refused = await site.client.post(f"{API}/uploads", headers={**headers, **body}, content=STEP)
    path, upload = f"{API}/mechanisms/{id}/attachments/from-upload", {"upload": begun.headers["location"]}

    made = await site.client.post(path, headers=headers, json=upload)

    assert refused.json()["code"] == "UNSUPPORTED_FILE"
    assert (made.status_code, made.json()["name"], made.json()["type"]) == (201, "a.step", "model/step")
    assert (await site.client.get(made.json()["url"], headers=headers)).content == STEP
    assert (await site.client.post(path, headers=headers, json=upload)).json()["code"] == "UPLOAD_NOT_FOUND"


@pytest.mark.parametrize("form", [{"data": {"caption": "x" * 501}}, {"data": {"unknown": "x"}}])
async def test_a_refused_file_is_not_stored(site: Site, form: dict[str, Any]) -> None:
    headers = await site.sign_up("sakura")
    id = (await site.ready(headers))["id"]
    used = (await site.client.get(f"{API}/users/me", headers=headers)).json()

    refused = await site.client.post(
        f"{API}/mechanisms/{id}/attachments", headers=headers, files={"file": ("a", STEP)}, **form
    )

    assert refused.status_code in (400, 422)
    assert (await site.client.get(f"{API}/users/me", headers=headers)).json() == used
    assert await names(site, headers, id) == []


STL = b"solid\nfacet normal 0 0 1\nvertex 0 0 0\nvertex 1 0 0\nvertex 1 1 0\n"


async def test_the_thumbnail_of_a_model_is_seen_by_those_who_see_the_mechanism(site: Site) -> None:
    headers, other = await site.sign_up("sakura"), await site.sign_up("other")
    id = (await site.ready(headers))["id"]
    made = await attach(site, headers, id, "a.stl", STL)
    step = await attach(site, headers, id, "a.step", STEP)
    assert (made["thumbnail_url"], step["thumbnail_url"]) == (None, None)
    await site.work()
    path = f"{API}/mechanisms/{id}/attachments"

    async def listed(who: dict[str, str]) -> list[str | None]:
        found = (await site.client.get(path, headers=who)).json()
        return [one["thumbnail_url"] for one in found["items"]]

    url, none = await listed(headers)
    assert url is not None
    assert none is None
    assert "signature=" in url
    unsigned = url.partition("?")[0]
    statuses = [(await site.client.get(one, headers=other)).status_code for one in (url, unsigned)]
    assert statuses == [200, 404]
    assert (await site.client.get(unsigned, headers=headers)).headers["content-type"] == "image/webp"
    await site.client.post(f"{API}/mechanisms/{id}/publish", headers=headers)
    assert await listed({}) == [unsigned, None]
    assert (await site.client.get(unsigned)).status_code == 200
    await site.client.delete(f"{path}/{made['id']}", headers=headers)
    await site.work()
    assert (await site.client.get(unsigned)).status_code == 404
