"""tus 1.0 at /uploads: core, creation, creation-with-upload, checksum, expiration and termination."""

import asyncio
import base64
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from hashlib import md5, sha1, sha256
from typing import Any

import pytest

from mechshare.adapters.clock.frozen import FrozenClock
from mechshare.domain.uploads import UPLOAD_LIFETIME
from tests.http.conftest import API, Site
from tests.services.faults import AdjustableDisks
from tests.services.world import GIF

UPLOADS = f"{API}/uploads"
TUS = {"Tus-Resumable": "1.0.0"}
BYTES = {**TUS, "Content-Type": "application/offset+octet-stream"}
CLIP = GIF + bytes(10_000 - len(GIF))
"""A file that counts as a GIF of 10,000 bytes."""


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


async def begin(site: Site, headers: dict[str, str], size: int = len(CLIP), **more: str) -> str:
    named = {"Upload-Metadata": f"filename {encoded('歯車.gif')},empty"}
    response = await site.client.post(
        UPLOADS, headers={**headers, **TUS, "Upload-Length": str(size), **named, **more}
    )
    assert response.status_code == 201, response.text
    return str(response.headers["location"])


async def send(
    site: Site, headers: dict[str, str], address: str, offset: int, content: Any, **more: str
) -> Any:
    fields = {**headers, **BYTES, "Upload-Offset": str(offset), **more}
    return await site.client.patch(address, headers=fields, content=content)


async def offset_of(site: Site, headers: dict[str, str], address: str) -> int:
    response = await site.client.head(address, headers={**headers, **TUS})
    assert (response.status_code, response.headers["cache-control"]) == (200, "no-store")
    return int(response.headers["upload-offset"])


async def make(site: Site, headers: dict[str, str], address: str, **more: Any) -> Any:
    fields = {"upload": address, "title": "歯車", **more.pop("fields", {})}
    return await site.client.post(f"{API}/mechanisms/from-upload", headers={**headers, **more}, json=fields)


async def used(site: Site, headers: dict[str, str]) -> int:
    return int((await site.client.get(f"{API}/users/me", headers=headers)).json()["quota"]["bytes_used"])


async def test_options_says_what_the_server_can_do(site: Site) -> None:
    response = await site.client.options(UPLOADS)
    assert response.status_code == 204
    assert response.headers["tus-resumable"] == response.headers["tus-version"] == "1.0.0"
    assert response.headers["tus-max-size"] == str(512 * 1024 * 1024)
    assert response.headers["tus-extension"].split(",") == [
        *("creation", "creation-with-upload", "checksum", "expiration", "termination")
    ]
    assert "sha1" in response.headers["tus-checksum-algorithm"].split(",")


async def test_a_file_arrives_in_several_requests_and_becomes_a_mechanism(site: Site) -> None:
    mika = await site.sign_up("mika")
    address = await begin(site, mika)
    assert await offset_of(site, mika, address) == 0
    first = await send(site, mika, address, 0, CLIP[:3_000])
    assert (first.status_code, first.headers["upload-offset"], first.headers["tus-resumable"]) == (
        *(204, "3000"),
        "1.0.0",
    )
    assert (await make(site, mika, address)).json()["code"] == "UPLOAD_INCOMPLETE"
    assert (await send(site, mika, address, 3_000, CLIP[3_000:])).status_code == 204
    head = await site.client.head(address, headers={**mika, **TUS})
    assert (head.headers["upload-length"], head.headers["upload-offset"]) == ("10000", "10000")
    assert head.headers["upload-metadata"] == f"filename {encoded('歯車.gif')},empty"
    made = await make(site, mika, address)
    assert made.status_code == 202, made.text
    await site.work()
    original = await site.client.get(f"{API}/mechanisms/{made.json()['id']}/original", headers=mika)
    assert original.content == CLIP
    assert "%E6%AD%AF%E8%BB%8A" in original.headers["content-disposition"]
    assert (await site.client.head(address, headers={**mika, **TUS})).status_code == 404
    assert [key async for key in site.adapters.blobs.list("uploads/")] == []


async def test_the_request_that_creates_an_upload_may_have_its_first_bytes(site: Site) -> None:
    mika = await site.sign_up("mika")
    fields = {**mika, **BYTES, "Upload-Length": str(len(CLIP))}
    created = await site.client.post(UPLOADS, headers=fields, content=CLIP[:6_000])
    assert (created.status_code, created.headers["upload-offset"]) == (201, "6000")
    assert await offset_of(site, mika, created.headers["location"]) == 6_000
    plain = {**mika, **TUS, "Upload-Length": "3", "Content-Type": "text/plain"}
    assert (await site.client.post(UPLOADS, headers=plain, content=b"abc")).status_code == 415


async def test_a_file_of_no_supported_format_is_refused_with_its_first_bytes(site: Site) -> None:
    mika = await site.sign_up("mika")
    address = await begin(site, mika)
    refused = await send(site, mika, address, 0, b"\x7fELF" + bytes(len(CLIP) - 4))
    assert (refused.status_code, refused.json()["code"]) == (415, "UNSUPPORTED_FILE")
    assert (await site.client.head(address, headers={**mika, **TUS})).status_code == 404
    assert await used(site, mika) == 0


@pytest.mark.parametrize("offset", [0, 2_999, 3_001, 10_000])
async def test_bytes_at_another_offset_are_refused(site: Site, offset: int) -> None:
    mika = await site.sign_up("mika")
    address = await begin(site, mika)
    await send(site, mika, address, 0, CLIP[:3_000])
    refused = await send(site, mika, address, offset, b"abc")
    assert (refused.status_code, refused.json()["code"]) == (409, "UPLOAD_OFFSET_MISMATCH")
    assert await offset_of(site, mika, address) == 3_000


async def test_requests_that_are_malformed_are_refused(site: Site) -> None:
    mika = await site.sign_up("mika")
    address = await begin(site, mika)
    for field, value, status in [
        ("Tus-Resumable", "0.2.2", 412),
        ("Upload-Offset", "-1", 400),
        ("Upload-Offset", "x", 400),
        ("Upload-Checksum", "crc32 AAAA", 400),
        ("Upload-Checksum", "sha1 !", 400),
        ("Upload-Checksum", "sha1 AAAA", 400),
        ("Content-Type", "text/plain", 415),
    ]:
        refused = await send(site, mika, address, 0, CLIP, **{field: value})
        assert (refused.status_code, refused.headers["tus-resumable"]) == (status, "1.0.0"), field
        assert ("tus-version" in refused.headers) is (status == 412)
    for field, value in [
        ("Upload-Length", "x"),
        ("Upload-Length", "9" * 400),
        ("Upload-Metadata", "filename !"),
        ("Upload-Metadata", "a AA==,a AA=="),
        ("Upload-Metadata", "a " + "A" * 5_000),
    ]:
        fields = {**mika, **TUS, "Upload-Length": "3", field: value}
        assert (await site.client.post(UPLOADS, headers=fields)).status_code == 400, (field, value)
    without = await site.client.post(UPLOADS, headers={**mika, "Upload-Length": "3"})
    assert (without.status_code, without.headers["tus-version"]) == (412, "1.0.0")
    assert (await site.client.post(UPLOADS, headers={**mika, **TUS})).status_code == 400


async def test_a_wrong_checksum_leaves_the_offset(site: Site) -> None:
    mika = await site.sign_up("mika")
    address = await begin(site, mika)
    for algorithm in (sha1, sha256, md5):
        wrong = f"{algorithm().name} {base64.b64encode(algorithm(b'other').digest()).decode()}"
        refused = await send(site, mika, address, 0, CLIP, **{"Upload-Checksum": wrong})
        assert (refused.status_code, refused.json()["code"]) == (460, "CHECKSUM_MISMATCH")
        assert await offset_of(site, mika, address) == 0
    right = f"sha1 {base64.b64encode(sha1(CLIP[:5_000]).digest()).decode()}"
    assert (await send(site, mika, address, 0, CLIP[:5_000], **{"Upload-Checksum": right})).status_code == 204
    assert await offset_of(site, mika, address) == 5_000


async def test_what_arrived_before_the_connection_broke_is_kept(site: Site) -> None:
    mika = await site.sign_up("mika")
    address = await begin(site, mika)
    checksum = {"Upload-Checksum": f"sha1 {base64.b64encode(sha1(CLIP).digest()).decode()}"}
    await broken_off(site, mika, address, CLIP[:4_000], checksum)
    assert await offset_of(site, mika, address) == 0
    await broken_off(site, mika, address, CLIP[:4_000], {})
    assert await offset_of(site, mika, address) == 4_000


async def broken_off(
    site: Site, headers: dict[str, str], address: str, content: bytes, more: dict[str, str]
) -> None:
    """Sends PATCH with `content` and then disconnects, as the server sees it."""
    fields = {**headers, **BYTES, "Upload-Offset": "0", "Content-Length": "10000", **more}
    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": content, "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> dict[str, Any]:
        return messages.pop(0) if len(messages) > 1 else messages[0]

    async def send_nothing(message: dict[str, Any]) -> None:
        assert message["type"].startswith("http.response")

    scope = {
        **{"type": "http", "method": "PATCH", "http_version": "1.1", "scheme": "http", "query_string": b""},
        **{"path": address, "raw_path": address.encode(), "server": ("mechshare.test", 80), "state": {}},
        "client": ("127.0.0.1", 9),
        "headers": [(name.lower().encode(), value.encode()) for name, value in fields.items()],
        "asgi": {"version": "3.0"},
    }
    await site.app(scope, receive, send_nothing)


async def test_of_two_concurrent_requests_one_wins(site: Site) -> None:
    mika = await site.sign_up("mika")
    for _ in range(20):
        address = await begin(site, mika)
        both = [asyncio.create_task(send(site, mika, address, 0, slowly(CLIP))) for _ in range(2)]
        statuses = sorted([response.status_code for response in await asyncio.gather(*both)])
        assert statuses == [204, 409]
        made = await make(site, mika, address)
        assert made.status_code == 202
        assert made.json()["media"] is None or made.json()["media"]["sha256"] == sha256(CLIP).hexdigest()


async def slowly(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), 1_000):
        await asyncio.sleep(0)
        yield content[start : start + 1_000]


async def test_an_upload_ends_once_however_often_a_mechanism_is_requested_of_it(site: Site) -> None:
    mika = await site.sign_up("mika")
    address = await begin(site, mika)
    await send(site, mika, address, 0, CLIP)
    wrong = await make(site, mika, address, fields={"title": ""})
    assert (wrong.status_code, await offset_of(site, mika, address)) == (422, 10_000)
    both = await asyncio.gather(*(make(site, mika, address) for _ in range(3)))
    assert sorted(response.status_code for response in both) == [202, 404, 404]


async def test_a_repeated_request_with_a_key_gets_the_first_response(site: Site) -> None:
    mika = await site.sign_up("mika")
    address = await begin(site, mika)
    await send(site, mika, address, 0, CLIP)
    first, second = [await make(site, mika, address, **{"Idempotency-Key": "k"}) for _ in range(2)]
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json()["id"] == second.json()["id"]
    assert second.headers["idempotent-replayed"] == "true"
    other = await make(site, mika, address, **{"Idempotency-Key": "k", "fields": {"title": "other"}})
    assert other.json()["code"] == "IDEMPOTENCY_KEY_REUSED"
    assert (await make(site, mika, address, **{"Idempotency-Key": "l"})).status_code == 404


async def test_a_deleted_upload_is_gone_and_its_bytes_are_free(site: Site) -> None:
    mika = await site.sign_up("mika")
    address = await begin(site, mika)
    await send(site, mika, address, 0, CLIP[:3_000])
    assert await used(site, mika) == 10_000
    assert (await site.client.delete(address, headers={**mika, **TUS})).status_code == 204
    assert await used(site, mika) == 0
    assert (await send(site, mika, address, 3_000, b"x")).status_code == 404
    assert (await site.client.delete(address, headers={**mika, **TUS})).status_code == 404
    assert [key async for key in site.adapters.blobs.list("")] == []


async def test_what_is_under_way_counts_in_the_quota(open_site: Any) -> None:
    site = await open_site(user_quota_bytes=15_000)
    mika = await site.sign_up("mika")
    address = await begin(site, mika)
    fields = {**mika, **TUS, "Upload-Length": "5001"}
    refused = await site.client.post(UPLOADS, headers=fields)
    assert (refused.status_code, refused.json()["code"]) == (413, "QUOTA_EXCEEDED")
    await send(site, mika, address, 0, CLIP)
    assert (await make(site, mika, address)).status_code == 202
    assert await used(site, mika) == 10_000


async def test_sizes_and_unfinished_uploads_have_limits(open_site: Any) -> None:
    site = await open_site(max_upload_bytes=10_000, unfinished_uploads_per_user=2)
    mika = await site.sign_up("mika")
    fields = {**mika, **TUS, "Upload-Length": "10001"}
    assert (await site.client.post(UPLOADS, headers=fields)).json()["code"] == "FILE_TOO_LARGE"
    first, _ = await begin(site, mika), await begin(site, mika)
    third = await site.client.post(UPLOADS, headers={**fields, "Upload-Length": "1"})
    assert (third.status_code, third.json()["code"]) == (429, "TOO_MANY_UPLOADS")
    more = await send(site, mika, first, 0, CLIP + b"x")
    assert (more.status_code, await offset_of(site, mika, first)) == (413, 0)


async def test_an_upload_expires_and_is_swept(open_site: Any) -> None:
    clock = FrozenClock(datetime.now(UTC))
    site = await open_site(clock=clock)
    mika = await site.sign_up("mika")
    address = await begin(site, mika)
    sent = await send(site, mika, address, 0, CLIP[:3_000])
    expires = parsedate_to_datetime(sent.headers["upload-expires"])
    assert abs(expires - clock.now() - UPLOAD_LIFETIME) <= timedelta(seconds=1)
    clock.advance(UPLOAD_LIFETIME + timedelta(seconds=1))
    signed_in = await site.client.post(
        f"{API}/auth/login", json={"username": "mika", "password": "four-bar linkage"}
    )
    mika = {"Authorization": f"Bearer {signed_in.json()['access_token']}"}
    assert (await send(site, mika, address, 3_000, b"x")).status_code == 404
    assert await used(site, mika) == 0
    assert [key async for key in site.adapters.blobs.list("uploads/")] != []
    await site.application.scheduler.enqueue_due_jobs()
    await site.work()
    assert [key async for key in site.adapters.blobs.list("uploads/")] == []


async def test_an_upload_goes_on_when_there_is_room_again(open_site: Any) -> None:
    disks = AdjustableDisks()
    site = await open_site(disks=disks)
    mika = await site.sign_up("mika")
    address = await begin(site, mika)
    await send(site, mika, address, 0, CLIP[:3_000])
    disks.free_bytes = 900
    full = await send(site, mika, address, 3_000, CLIP[3_000:])
    assert (full.status_code, full.json()["code"]) == (507, "DISK_RESERVE_REACHED")
    assert await offset_of(site, mika, address) == 3_000
    disks.free_bytes = 10**12
    assert (await send(site, mika, address, 3_000, CLIP[3_000:])).status_code == 204


async def test_a_client_without_patch_overrides_the_method_of_post(site: Site) -> None:
    mika = await site.sign_up("mika")
    address = await begin(site, mika)
    fields = {**mika, **BYTES, "Upload-Offset": "0", "X-HTTP-Method-Override": "PATCH"}
    assert (await site.client.post(address, headers=fields, content=CLIP)).status_code == 204
    fields["X-HTTP-Method-Override"] = "DELETE"
    assert (await site.client.post(address, headers=fields)).status_code == 204


async def test_a_page_of_another_origin_may_upload(open_site: Any) -> None:
    site = await open_site(cors_origins=("https://app.example",))
    mika = await site.sign_up("mika")
    preflight = {"Origin": "https://app.example", "Access-Control-Request-Method": "PATCH"}
    allowed = (await site.client.options(UPLOADS, headers=preflight)).headers["access-control-allow-headers"]
    sent = {"Tus-Resumable", "Upload-Length", "Upload-Offset", "Upload-Metadata", "Upload-Checksum"}
    assert sent <= set(allowed.split(", "))
    address = await begin(site, mika)
    headers = {**mika, **TUS, "Origin": "https://app.example"}
    exposed = (await site.client.head(address, headers=headers)).headers["access-control-expose-headers"]
    read = {"Location", "Tus-Resumable", "Upload-Offset", "Upload-Length", "Upload-Expires"}
    assert read <= set(exposed.split(", "))
