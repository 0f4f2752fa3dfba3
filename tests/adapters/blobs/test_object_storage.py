"""What only the stores in S3 and Google Cloud Storage do: parts, links, abandoned uploads, and outages."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import httpx
import pytest
from botocore.session import Session
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from obstore.store import GCSStore

from mechshare.adapters.blobs.bucket_url import BucketUrl
from mechshare.adapters.blobs.gcs import GcsBucket, gcs_blob_store
from mechshare.adapters.blobs.object_storage import ObjectBlobStore
from mechshare.adapters.blobs.s3 import s3_blob_store
from mechshare.domain.errors import DependencyUnavailable, MediaNotFound, StorageFull
from tests.adapters.search.opensearch_stands_in import server_that_responds
from tests.object_storage import KEYS, new_bucket, own_moto, shared_moto

KEY = "media/m-1/clip.mp4"
PART = 8 * 1024 * 1024
LIFETIME = timedelta(minutes=5)


async def pieces(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def s3_store(bucket: str, query: str = "") -> ObjectBlobStore:
    store = s3_blob_store(f"s3://{bucket}/clips{query}", endpoint=shared_moto().endpoint, **KEYS)
    await store.prepare()
    return store


@cache
def s3_client() -> Any:
    session = Session()
    session.set_credentials("mechshare", "hush")
    return session.create_client("s3", region_name="us-east-1", endpoint_url=shared_moto().endpoint)


def uploads(bucket: str) -> list[str]:
    return [one["Key"] for one in s3_client().list_multipart_uploads(Bucket=bucket).get("Uploads", ())]


async def read(store: ObjectBlobStore, *span: Any) -> bytes:
    return b"".join([chunk async for chunk in store.read(KEY, *span)])


async def test_a_large_blob_is_uploaded_in_parts_and_typed() -> None:
    bucket = new_bucket()
    store = await s3_store(bucket)
    content = bytes(range(256)) * (2 * PART // 256) + b"the end"
    facts = await store.write(KEY, pieces(content[:100], content[100:]))
    assert facts.size == len(content)
    assert await read(store) == content
    assert await read(store, PART - 2, PART + 2) == content[PART - 2 : PART + 2]
    stored = s3_client().head_object(Bucket=bucket, Key=f"clips/{KEY}")
    assert stored["ContentType"] == "video/mp4"
    assert stored["ETag"].endswith('-3"')
    assert uploads(bucket) == []


@pytest.mark.parametrize("is_cancelled", [False, True])
async def test_an_upload_that_ends_early_leaves_no_parts(is_cancelled: bool) -> None:
    bucket = new_bucket()
    store = await s3_store(bucket)
    begun = asyncio.Event()

    async def source() -> AsyncIterator[bytes]:
        yield b"x" * (2 * PART + 1)
        async with asyncio.timeout(60):
            while not uploads(bucket):  # noqa: ASYNC110  the event happens in another process
                await asyncio.sleep(0.01)
        begun.set()
        if not is_cancelled:
            raise ConnectionResetError("the sender hung up")
        await asyncio.Event().wait()

    writing = asyncio.create_task(store.write(KEY, source()))
    await asyncio.wait_for(begun.wait(), 60)
    if is_cancelled:
        writing.cancel()
    with pytest.raises(asyncio.CancelledError if is_cancelled else ConnectionResetError):
        await asyncio.wait_for(writing, 60)
    assert uploads(bucket) == []
    assert await store.stat(KEY) is None


async def test_preparing_ends_uploads_whose_process_died() -> None:
    bucket = new_bucket()
    store = await s3_store(bucket)
    # The emulator says of every upload that it began in 2010.
    for key in (f"clips/{KEY}", "another/program"):
        s3_client().create_multipart_upload(Bucket=bucket, Key=key)
    await store.prepare()
    assert uploads(bucket) == ["another/program"]


async def test_a_link_carries_type_and_file_name() -> None:
    store = await s3_store(new_bucket(), "?redirect=presigned")
    await store.write(KEY, pieces(b"motion"))
    disposition = "attachment; filename*=UTF-8''%E5%9B%9B%E7%AF%80.mp4"
    link = await store.link(KEY, LIFETIME, "video/quicktime", disposition)
    assert link is not None
    assert "X-Amz-Expires=300" in link
    assert "hush" not in link
    async with httpx.AsyncClient(timeout=60) as client:
        fetched = await client.get(link, headers={"Range": "bytes=2-3"})
    assert (fetched.status_code, fetched.content) == (206, b"ti")
    assert fetched.headers["content-type"].startswith("video/quicktime")
    assert fetched.headers["content-disposition"] == disposition


async def test_links_are_off_unless_the_url_enables_them() -> None:
    store = await s3_store(new_bucket())
    assert await store.link(KEY, LIFETIME, "video/mp4", "inline") is None


async def test_a_bucket_that_exists_is_used() -> None:
    bucket = new_bucket()
    first, second = await s3_store(bucket), await s3_store(bucket)
    await first.write(KEY, pieces(b"motion"))
    assert await read(second) == b"motion"


async def test_credentials_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "from-environment")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")
    store = s3_blob_store(f"s3://{new_bucket()}?redirect=presigned", endpoint=shared_moto().endpoint)
    await store.prepare()
    await store.write(KEY, pieces(b"motion"))
    link = await store.link(KEY, LIFETIME, "video/mp4", "inline")
    assert link is not None
    assert "from-environment" in link


async def test_without_credentials_the_store_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    store = s3_blob_store("s3://bucket", endpoint=shared_moto().endpoint)
    with pytest.raises(DependencyUnavailable) as refused:
        await store.stat(KEY)
    assert "credentials" in str(refused.value.__cause__)
    with pytest.raises(DependencyUnavailable):
        await store.prepare()


async def test_writing_to_a_missing_bucket_raises_dependency_unavailable() -> None:
    store = s3_blob_store(f"s3://{new_bucket()}", endpoint=shared_moto().endpoint, **KEYS)
    for content in (b"x", b"x" * (PART + 1)):
        with pytest.raises(DependencyUnavailable):
            await store.write(KEY, pieces(content))


async def test_an_outage_raises_dependency_unavailable_and_recovery_is_automatic() -> None:
    with own_moto() as moto:
        store = s3_blob_store("s3://kept", endpoint=moto.endpoint, **KEYS)
        await store.prepare()
        moto.signal(signal.SIGSTOP)
        with pytest.raises(DependencyUnavailable):
            await store.stat(KEY)
        moto.signal(signal.SIGCONT)
        await store.write(KEY, pieces(b"motion"))
        assert await read(store) == b"motion"
        moto.kill()
        for content in (b"lost", b"x" * (2 * PART)):
            with pytest.raises(DependencyUnavailable):
                await store.write(KEY, pieces(content))


def error_body(code: str) -> bytes:
    return f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>text</Message></Error>".encode()


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        ("507 Insufficient Storage", "XMinioStorageFull", StorageFull),
        ("403 Forbidden", "QuotaExceeded", StorageFull),
        ("503 Slow Down", "SlowDown", DependencyUnavailable),
        ("403 Forbidden", "AccessDenied", DependencyUnavailable),
    ],
)
@pytest.mark.parametrize("size", [1, PART + 1])
async def test_a_server_without_room_is_not_unavailable(
    status: str, code: str, error: type[Exception], size: int
) -> None:
    async with server_that_responds(f"{status}\r\nConnection: close", error_body(code)) as server:
        endpoint = server.url.removesuffix("/test").replace("opensearch", "http")
        store = s3_blob_store("s3://bucket", endpoint=endpoint, **KEYS)
        with pytest.raises(error):
            await store.write(KEY, pieces(bytes(size)))


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("gs:", "bucket is missing"),
        ("gs://key:hush@bucket", "no credentials"),
        ("gs://bucket/Clips", "lower-case"),
        ("gs://bucket?redirect=sas", "redirect=presigned"),
    ],
)
def test_an_incomplete_url_of_google_is_refused_at_once(url: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as refused:
        gcs_blob_store(url)
    assert "hush" not in str(refused.value)


async def test_a_link_to_google_is_signed_without_a_request() -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    account = {"client_email": "m@example.iam.gserviceaccount.com", "private_key_id": "1", "private_key": pem}
    store = gcs_blob_store(
        "gs://bucket/clips?redirect=presigned",
        service_account_key=json.dumps({"type": "service_account", "client_id": "1", **account}),
    )
    link = await store.link(KEY, LIFETIME, "video/mp4", "inline")
    assert link is not None
    assert link.startswith(f"https://storage.googleapis.com/bucket/clips/{KEY}?")
    assert "X-Goog-Expires=300" in link
    # Google returns the file with its own name and type: another name or type goes through mechshare.
    assert await store.link(KEY, LIFETIME, "video/mp4", "attachment") is None
    assert await store.link(KEY, LIFETIME, "video/webm", "inline") is None


def test_credentials_of_google_that_cannot_be_read_are_refused_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/key.json")
    with pytest.raises(ValueError, match="GOOGLE_APPLICATION_CREDENTIALS"):
        gcs_blob_store("gs://bucket")


@pytest.mark.parametrize(
    ("url", "options", "message"),
    [
        ("s3:", {}, "bucket is missing"),
        ("s3:///clips", {}, "bucket is missing"),
        ("s3://key:hush@bucket", {}, "no credentials"),
        ("s3://bucket/Clips", {}, "lower-case"),
        ("s3://bucket?redirect=sas", {}, "redirect=presigned"),
        ("s3://bucket?region=eu", {}, "redirect=presigned"),
        ("s3://bucket:9000", {}, "name of a bucket"),
        ("s3://bucket", {"endpoint": "minio:9000"}, "BLOBS_ENDPOINT must be"),
        ("s3://bucket", {"endpoint": "http://"}, "BLOBS_ENDPOINT must be"),
        ("s3://bucket", {"region": "eu central"}, "BLOBS_REGION must be"),
        ("s3://bucket", {"access_key_id": "key"}, "SECRET_ACCESS_KEY"),
        ("s3://bucket", {"secret_access_key": "hush"}, "ACCESS_KEY_ID"),
    ],
)
def test_an_incomplete_configuration_is_refused_at_once(
    url: str, options: dict[str, str], message: str
) -> None:
    with pytest.raises(ValueError, match=message) as refused:
        s3_blob_store(url, **options)
    assert "hush" not in str(refused.value)


def gcs_store(bucket: str, key: str) -> ObjectBlobStore:
    """Returns a store that the emulator of S3 serves: both speak nearly the same XML."""
    base = shared_moto().endpoint
    token = (
        f"{key}/{datetime.now(UTC):%Y%m%d}/us-east-1/s3/aws4_request"  # by which the emulator knows a service
    )
    config = {"base_url": base, "bearer_token": token}
    store = GCSStore(bucket, config=config, client_options={"allow_http": True})
    return ObjectBlobStore(store, GcsBucket(store, BucketUrl(f"gs://{bucket}?redirect=presigned")))


async def test_a_bucket_of_google_stores_small_and_large_blobs() -> None:
    bucket = new_bucket()
    await s3_store(bucket)
    store = gcs_store(bucket, "mechshare")
    await store.prepare()
    for content in (b"motion", b"x" * (PART + 1)):
        facts = await store.write(KEY, pieces(content))
        assert (facts.size, await store.stat(KEY)) == (len(content), len(content))
        assert await read(store, 1, 4) == content[1:4]
    assert [key async for key in store.list("media/")] == [KEY]
    await store.delete(KEY)
    await store.delete(KEY)
    with pytest.raises(MediaNotFound):
        await read(store)


async def test_a_bucket_of_google_that_does_not_exist_is_unavailable() -> None:
    with pytest.raises(DependencyUnavailable):
        await gcs_store(new_bucket(), "mechshare").prepare()


@pytest.mark.parametrize("key", ["hush", '{"private_key": "hush"}'])
def test_an_invalid_key_of_google_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(ValueError, match="SERVICE_ACCOUNT_KEY") as refused:
        gcs_blob_store("gs://bucket", service_account_key=key)
    assert "hush" not in str(refused.value)
