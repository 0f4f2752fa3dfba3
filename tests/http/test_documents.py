"""Pictures and documents over HTTP."""

from hashlib import sha256
from io import BytesIO
from typing import Any

import pytest

from tests.http.conftest import API, Site
from tests.office import compound
from tests.stills import pdf, quarters

PDF = pdf(["Slider-crank"])


def png() -> bytes:
    content = BytesIO()
    quarters().save(content, "PNG")
    return content.getvalue()


async def shared(site: Site, headers: dict[str, str], name: str, content: bytes) -> dict[str, Any]:
    """Uploads a file, processes it and returns its mechanism."""
    form = {"data": {"title": "歯車"}, "files": {"file": (name, content)}}
    made = await site.client.post(f"{API}/mechanisms", headers=headers, **form)
    assert made.status_code == 202, made.text
    await site.work()
    found: dict[str, Any] = (
        await site.client.get(f"{API}/mechanisms/{made.json()['id']}", headers=headers)
    ).json()
    return found


async def publish(site: Site, headers: dict[str, str], id: str) -> dict[str, Any]:
    response = await site.client.post(f"{API}/mechanisms/{id}/publish", headers=headers)
    assert response.status_code == 200, response.text
    published: dict[str, Any] = response.json()
    return published


async def test_a_picture_is_shown_and_has_no_duration(site: Site) -> None:
    headers = await site.sign_up("sakura")
    made = await shared(site, headers, "a.png", png())
    published = await publish(site, headers, made["id"])

    assert (published["kind"], published["duration"], published["preview_url"]) == ("picture", None, None)
    media = published["media"]
    assert (media["frame_count"], media["frame_rate"], media["page_count"]) == (None, None, None)
    for name in ("file_url", "thumbnail_url"):
        response = await site.client.get(published[name])
        assert (response.status_code, response.headers["content-type"]) == (200, "image/webp")


async def test_a_document_is_read_by_those_who_see_it(site: Site) -> None:
    headers, other = await site.sign_up("sakura"), await site.sign_up("other")
    made = await shared(site, headers, "比較.pdf", PDF)
    document, page = f"{API}/mechanisms/{made['id']}/document", f"{API}/mechanisms/{made['id']}/pages/1"

    assert (made["kind"], made["media"]["page_count"], made["duration"]) == ("document", 1, None)
    for path in (document, page):
        statuses = [(await site.client.get(path, headers=who)).status_code for who in ({}, other, headers)]
        assert statuses == [404, 404, 200]
    assert (await site.client.get(made["file_url"])).content == PDF
    assert (await site.client.get(made["file_url"][:-1] + "!")).status_code == 404

    published = await publish(site, headers, made["id"])

    assert published["file_url"] == document
    response = await site.client.get(document, headers={"Range": "bytes=0-4"})
    assert (response.status_code, response.content) == (206, b"%PDF-")
    assert response.headers["content-type"] == "application/pdf"
    assert response.headers["content-disposition"].startswith("attachment; filename*=UTF-8''%E6")
    assert response.headers["x-content-type-options"] == "nosniff"
    shown = await site.client.get(page)
    assert (shown.status_code, shown.headers["content-type"]) == (200, "image/webp")
    assert sha256((await site.client.get(document)).content).hexdigest() == made["media"]["sha256"]


async def test_the_text_of_a_published_document_is_found_with_its_page(site: Site) -> None:
    headers = await site.sign_up("sakura")
    made = await shared(site, headers, "a.pdf", PDF)
    text = made["media"]["sha256"]  # the text of its page, as these tests process it
    search = f"{API}/search/mechanisms?q={text}"
    as_a_draft = await site.client.get(f"{search}&limit=5")  # another address: this response is cached
    await publish(site, headers, made["id"])
    await site.work()

    (hit,) = (await site.client.get(search)).json()["items"]
    home = await site.client.get(f"/?q={text}", headers={"Accept": "text/html"})

    assert as_a_draft.json()["items"] == []
    assert (hit["mechanism"]["id"], hit["page"]) == (made["id"], 1)
    assert hit["highlights"] == {"document": [{"text": text, "is_match": True}]}
    assert f'<a href="/m/{made["id"]}#page-1">' in home.text
    await site.client.delete(f"{API}/mechanisms/{made['id']}", headers={**headers, "If-Match": "*"})
    assert (await site.client.get(search)).json()["items"] == []


@pytest.mark.parametrize("number", ["0", "2", "-1", "x", "1e0", "１", "9" * 5_000])
async def test_a_page_that_does_not_exist_is_not_found(site: Site, number: str) -> None:
    headers = await site.sign_up("sakura")
    made = await shared(site, headers, "a.pdf", PDF)

    response = await site.client.get(f"{API}/mechanisms/{made['id']}/pages/{number}", headers=headers)

    assert (response.status_code, response.json()["code"]) == (404, "PAGE_NOT_FOUND")


async def test_the_files_of_a_document_are_gone_with_it(site: Site) -> None:
    headers = await site.sign_up("sakura")
    made = await shared(site, headers, "a.pdf", PDF)

    deleted = await site.client.delete(f"{API}/mechanisms/{made['id']}", headers={**headers, "If-Match": "*"})
    await site.work()

    assert deleted.status_code == 204
    for rest in ("document", "pages/1"):
        path = f"{API}/mechanisms/{made['id']}/{rest}"
        assert (await site.client.get(path, headers=headers)).status_code == 404


async def test_an_office_document_is_downloaded_and_has_no_pictures_of_pages(site: Site) -> None:
    headers = await site.sign_up("sakura")
    made = await shared(site, headers, "古い.doc", compound("WordDocument"))

    response = await site.client.get(made["file_url"], headers=headers)

    assert (made["kind"], made["media"]["codec"]) == ("document", "stub")
    assert (response.content, response.headers["content-type"]) == (
        compound("WordDocument"),
        "application/msword",
    )
    assert response.headers["content-disposition"].startswith("attachment;")


async def test_an_office_document_with_a_password_is_refused_with_a_message(site: Site) -> None:
    headers = await site.sign_up("sakura")
    form = {"data": {"title": "x"}, "files": {"file": ("a.docx", compound("EncryptedPackage"))}}

    refused = await site.client.post(
        f"{API}/mechanisms", headers={**headers, "Accept-Language": "ja"}, **form
    )

    assert (refused.status_code, refused.json()["code"]) == (415, "ENCRYPTED_DOCUMENT")
    assert "パスワード" in refused.json()["message"]
