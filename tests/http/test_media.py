"""/media over HTTP"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from io import BytesIO
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from mechshare.domain.blobs import BlobReference, BlobRole, OwnerKind
from mechshare.domain.media_links import LINK_LIFETIME
from tests.http.conftest import API, Site
from tests.services.world import GIF
from tests.stills import quarters


@pytest.fixture
async def clip(site: Site) -> dict[str, Any]:
    headers = await site.sign_up("sakura")
    made = await site.published(headers)
    content = (await site.client.get(made["file_url"])).content
    return {**made, "content": content, "size": len(content), "headers": headers}


async def test_a_clip_is_trimmed_from_its_original(site: Site, clip: dict[str, Any]) -> None:
    path, headers = f"{API}/mechanisms/{clip['id']}", {**clip["headers"], "If-Match": "*"}

    accepted = await site.client.patch(path, headers=headers, json={"trim": {"start": 500, "end": 2000}})
    meanwhile = await site.client.get(clip["file_url"])
    again = await site.client.patch(path, headers=headers, json={"trim": None})
    await site.work()

    trimmed = (await site.client.get(path, headers=clip["headers"])).json()
    assert (accepted.json()["processing"]["state"], meanwhile.status_code) == ("pending", 200)
    assert (again.status_code, again.json()["code"]) == (409, "NOTHING_TO_TRIM")
    assert (trimmed["duration"], trimmed["trim"]) == (1.5, {"start": 500, "end": 2000})
    assert (await site.client.get(clip["file_url"])).status_code == 404
    assert (await site.client.get(trimmed["file_url"])).status_code == 200
    assert (await site.client.get(f"{path}/original")).content == GIF
    files = [key async for key in site.adapters.blobs.list(f"media/{clip['id']}/")]
    assert len(files) == 4
    beyond = await site.client.patch(path, headers=headers, json={"trim": {"start": 2500}})
    assert (beyond.status_code, beyond.json()["details"][0]["field"]) == (422, "trim")
    await site.client.patch(path, headers=headers, json={"trim": None})
    await site.work()
    assert (await site.client.get(path, headers=clip["headers"])).json()["duration"] == 2.4


async def test_a_clip_without_sound_says_so(site: Site, clip: dict[str, Any]) -> None:
    page = await site.client.get(f"/m/{clip['id']}", headers={"Accept": "text/html"})

    assert clip["media"]["audio"] is None
    assert 'data-action="sound"' not in page.text
    assert " muted " in page.text


async def test_a_file_is_served_only_with_its_own_media_type(site: Site, clip: dict[str, Any]) -> None:
    for name, kind in (
        ("file_url", "video/mp4"),
        ("thumbnail_url", "image/webp"),
        ("preview_url", "image/webp"),
    ):
        headers = (await site.client.get(clip[name])).headers
        assert headers["content-type"] == kind
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"] == "default-src 'none'; sandbox"
        assert headers["cache-control"] == "public, max-age=3600, s-maxage=1, immutable"
        assert headers["accept-ranges"] == "bytes"


@pytest.mark.parametrize(
    ("requested", "span"),
    [
        ("bytes=0-9", (0, 10)),
        ("bytes=5-", (5, None)),
        ("bytes=-7", (-7, None)),
        ("bytes=3-99999999", (3, None)),
    ],
)
async def test_a_range_is_served(
    site: Site, clip: dict[str, Any], requested: str, span: tuple[int, int]
) -> None:
    response = await site.client.get(clip["file_url"], headers={"Range": requested})
    expected = clip["content"][slice(*span)]
    start = clip["content"].index(expected)
    assert (response.status_code, response.content) == (206, expected)
    assert response.headers["content-range"] == f"bytes {start}-{start + len(expected) - 1}/{clip['size']}"


@pytest.mark.parametrize("last", ["9" * 19, "9" * 5_000, "0" * 5_000 + "9999999"])
async def test_the_numbers_of_a_range_have_any_length(site: Site, clip: dict[str, Any], last: str) -> None:
    for requested in (f"bytes=0-{last}", f"bytes=-{last}"):
        response = await site.client.get(clip["file_url"], headers={"Range": requested})
        assert (response.status_code, response.content) == (206, clip["content"])
    assert (
        await site.client.get(clip["file_url"], headers={"Range": f"bytes={last}-{last}"})
    ).status_code == 416


async def test_a_file_is_not_sent_again_if_it_has_not_changed_since(site: Site, clip: dict[str, Any]) -> None:
    modified = (await site.client.get(clip["file_url"])).headers["last-modified"]
    later, earlier = "Fri, 01 Jan 2100 00:00:00 GMT", "Thu, 01 Jan 1970 00:00:00 GMT"
    for since, status in ((modified, 304), (later, 304), (earlier, 200), ("9" * 5_000, 200), ("", 200)):
        response = await site.client.get(clip["file_url"], headers={"If-Modified-Since": since})
        assert response.status_code == status, since
    both = {"If-None-Match": '"other"', "If-Modified-Since": later}
    assert (await site.client.get(clip["file_url"], headers=both)).status_code == 200


@pytest.mark.parametrize("requested", ["bytes=99999999-", "bytes=-0"])
async def test_a_range_outside_the_file_is_416(site: Site, clip: dict[str, Any], requested: str) -> None:
    response = await site.client.get(clip["file_url"], headers={"Range": requested})
    assert response.status_code == 416
    assert response.headers["content-range"] == f"bytes */{clip['size']}"


@pytest.mark.parametrize("requested", ["bytes=9-3", "lines=1-2", "bytes=a-b", "bytes=0-1,3-4", "bytes=-"])
async def test_a_range_that_cannot_be_used_gives_the_whole_file(
    site: Site, clip: dict[str, Any], requested: str
) -> None:
    response = await site.client.get(clip["file_url"], headers={"Range": requested})
    assert (response.status_code, response.content) == (200, clip["content"])


async def test_if_range_gives_the_whole_of_another_file(site: Site, clip: dict[str, Any]) -> None:
    etag = (await site.client.get(clip["file_url"])).headers["etag"]
    for given, status in ((etag, 206), ('"other"', 200)):
        headers = {"Range": "bytes=0-9", "If-Range": given}
        assert (await site.client.get(clip["file_url"], headers=headers)).status_code == status
    assert (await site.client.get(clip["file_url"], headers={"If-None-Match": etag})).status_code == 304


async def test_a_draft_is_served_only_by_its_signed_link(site: Site) -> None:
    headers = await site.sign_up("sakura")
    draft = await site.ready(headers)
    link = draft["file_url"]
    plain, _, query = link.partition("?")
    assert (await site.client.get(link)).status_code == 200
    assert (await site.client.get(link)).headers["cache-control"].startswith("private")
    assert (await site.client.get(plain, headers=headers)).status_code == 200
    expires, _, signature = query.partition("&")
    later = int(expires.removeprefix("expires=")) + 3600
    other = (await site.ready(headers))["file_url"].partition("?")[0]
    for forged in (
        plain,
        f"{plain}?{expires}",
        f"{plain}?{expires}&signature={'0' * 64}",
        f"{plain}?expires={later}&{signature}",
        f"{other}?{query}",
        f"{plain}?{expires}&signature=é",
    ):
        assert (await site.client.get(forged)).status_code == 404, forged


async def test_a_signed_link_expires(site: Site) -> None:
    headers = await site.sign_up("sakura")
    draft = await site.ready(headers)
    path = draft["file_url"].partition("?")[0]
    key = "media/" + path.removeprefix(f"{API}/media/")
    links = site.application.media.links()
    past = replace(links, expires=links.expires - int((LINK_LIFETIME + timedelta(hours=2)).total_seconds()))
    response = await site.client.get(f"{path}?expires={past.expires}&signature={past.signature(key)}")
    assert (response.status_code, response.json()["code"]) == (404, "MEDIA_NOT_FOUND")


async def test_files_of_a_withdrawn_mechanism_are_not_served(site: Site, clip: dict[str, Any]) -> None:
    await site.client.post(f"{API}/mechanisms/{clip['id']}/withdraw", headers=clip["headers"])
    assert (await site.client.get(clip["file_url"])).status_code == 404


@pytest.mark.parametrize("requested", [{}, {"Range": "bytes=0-9"}])
async def test_a_file_that_the_store_lost_after_it_was_served_is_not_found_a_second_later(
    site: Site, clip: dict[str, Any], requested: dict[str, str]
) -> None:
    await site.adapters.blobs.delete("media/" + clip["file_url"].removeprefix(f"{API}/media/"))
    await asyncio.sleep(1)  # what an equal request got may be repeated until then
    response = await site.client.get(clip["file_url"], headers=requested)
    assert (response.status_code, response.json()["code"]) == (404, "MEDIA_NOT_FOUND")


async def test_a_file_of_many_chunks_is_served_whole_and_404_once_lost(
    site: Site, clip: dict[str, Any]
) -> None:
    content = bytes(range(256)) * 4096
    key = f"media/{clip['id']}/7-{'0' * 32}.mp4"

    async def chunks() -> AsyncIterator[bytes]:
        yield content

    reference = BlobReference(
        key=key,
        owner_kind=OwnerKind.MECHANISM,
        owner_id=clip["id"],
        role=BlobRole.VIDEO,
        size=None,
        sha256=None,
        created_at=datetime.now(UTC),
        user_id=None,
    )
    async with site.adapters.database.begin() as tx:
        await tx.blob_references.add([reference])
    await site.adapters.blobs.write(key, chunks())
    assert (await site.client.get(f"{API}/{key}")).content == content
    part = await site.client.get(f"{API}/{key}", headers={"Range": "bytes=1-600000"})
    assert part.content == content[1:600001]
    await site.adapters.blobs.delete(key)
    assert (await site.client.get(f"{API}/{key}")).status_code == 404


async def test_an_original_is_offered_until_its_owner_takes_it_back(site: Site, clip: dict[str, Any]) -> None:
    address, path = f"{API}/mechanisms/{clip['id']}/original", f"{API}/mechanisms/{clip['id']}"
    other = await site.sign_up("other")
    page = await site.client.get(f"/m/{clip['id']}", headers={"Accept": "text/html"})
    assert (clip["original_offered"], address in page.text) == (True, True)
    assert (await site.client.get(address)).content == GIF

    taken_back = await site.client.patch(
        path, headers={**clip["headers"], "If-Match": "*"}, json={"original_offered": False}
    )

    assert taken_back.json()["original_offered"] is False
    page = await site.client.get(f"/m/{clip['id']}", headers={"Accept": "text/html"})
    assert address not in page.text
    callers: tuple[dict[str, str], ...] = ({}, other, clip["headers"])
    statuses = [(await site.client.get(address, headers=who)).status_code for who in callers]
    assert statuses == [401, 403, 200]


async def test_the_original_is_stored_without_its_metadata_if_the_sender_wants_that(site: Site) -> None:
    headers, plain, described = await site.sign_up("sakura"), BytesIO(), BytesIO()
    texts = PngInfo()
    texts.add_text("Place", "Kyoto")
    quarters().save(plain, "PNG")
    quarters().save(described, "PNG", pnginfo=texts)
    form = {"title": "x", "remove_metadata": "true"}

    made = await site.client.post(
        f"{API}/mechanisms", headers=headers, data=form, files={"file": ("a.png", described.getvalue())}
    )
    refused = await site.client.post(
        f"{API}/mechanisms", headers=headers, data=form, files={"file": ("a.gif", GIF)}
    )
    await site.work()

    stored = await site.client.get(f"{API}/mechanisms/{made.json()['id']}/original", headers=headers)
    assert (stored.content, stored.content != described.getvalue()) == (plain.getvalue(), True)
    media = (await site.client.get(f"{API}/mechanisms/{made.json()['id']}", headers=headers)).json()["media"]
    assert (media["size"], media["sha256"]) == (len(stored.content), sha256(stored.content).hexdigest())
    assert [key async for key in site.adapters.blobs.list("originals/")] == [
        f"originals/{made.json()['id']}-1.png"
    ]
    assert (refused.status_code, refused.json()["details"][0]["field"]) == (422, "remove_metadata")


async def test_an_original_is_a_download_for_its_owner(site: Site, clip: dict[str, Any]) -> None:
    response = await site.client.get(f"{API}/mechanisms/{clip['id']}/original", headers=clip["headers"])
    assert response.content == GIF
    assert response.headers["content-disposition"] == "attachment; filename*=UTF-8''clip.gif"
    assert response.headers["cache-control"] == "private, no-cache"


async def test_a_picture_is_sent_for_the_thumbnail_and_removed(site: Site) -> None:
    ana = await site.sign_up("ana")
    made = await site.published(ana)
    address = f"{API}/mechanisms/{made['id']}"
    content = BytesIO()
    Image.new("RGB", (32, 24), "firebrick").save(content, "PNG")

    files = {"file": ("own.png", content.getvalue())}
    sent = await site.client.put(f"{address}/thumbnail/picture", headers=ana, files=files)
    assert (sent.status_code, sent.json()["media"]["thumbnail_is_own"]) == (202, True)
    await site.work()
    shown = (await site.client.get(address)).json()
    assert shown["thumbnail_url"] != made["thumbnail_url"]
    assert (await site.client.get(shown["thumbnail_url"])).status_code == 200
    assert (await site.client.get(made["thumbnail_url"])).status_code == 404

    removed = await site.client.delete(f"{address}/thumbnail/picture", headers=ana)
    assert (removed.status_code, removed.json()["media"]["thumbnail_is_own"]) == (202, False)
    await site.work()
    assert (await site.client.get(shown["thumbnail_url"])).status_code == 404


async def test_a_file_that_is_no_picture_is_refused_as_thumbnail_and_not_kept(site: Site) -> None:
    ana = await site.sign_up("ana")
    address = f"{API}/mechanisms/{(await site.ready(ana))['id']}/thumbnail/picture"

    refused = await site.client.put(address, headers=ana, files={"file": ("a.gif", GIF)})
    assert (refused.status_code, refused.json()["code"]) == (415, "UNSUPPORTED_THUMBNAIL")
    empty = await site.client.put(address, headers=ana, files={"other": ("a.gif", GIF)})
    assert empty.status_code == 400


async def test_the_moment_of_the_thumbnail_is_a_field_of_the_upload_form(site: Site) -> None:
    ana = await site.sign_up("ana")

    made = await site.ready(ana, thumbnail_at="1.5")
    assert made["media"]["thumbnail_at"] == 1.5
    for stated in ("soon", "-1", "nan"):
        refused = await site.client.post(
            f"{API}/mechanisms",
            headers=ana,
            data={"title": "歯車", "thumbnail_at": stated},
            files={"file": ("clip.gif", GIF)},
        )
        assert refused.status_code == 422, stated
        assert refused.json()["details"][0]["field"] == "thumbnail_at"
