"""The folder, bucket or container is deleted while mechshare runs: the store is unavailable, its blobs are not lost."""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.session import Session

from mechshare.adapters.blobs.azure import AzureBlobStore
from mechshare.adapters.blobs.files import FileBlobStore
from mechshare.adapters.blobs.s3 import s3_blob_store
from mechshare.domain.errors import MediaNotFound, Unavailable
from mechshare.ports.blobs import BlobStore
from tests.object_storage import KEYS, new_bucket, shared_moto
from tests.servers import address, new_container

KEY, OTHER = "media/m-1/clip.mp4", "media/m-1/other.mp4"


@dataclass
class Place:
    """A store, and how an operator deletes and makes the place of its blobs."""

    blobs: BlobStore
    delete: Callable[[], Awaitable[None]]
    make: Callable[[], Awaitable[None]]


@asynccontextmanager
async def folder(root: Path) -> AsyncIterator[Place]:
    async def delete() -> None:
        shutil.rmtree(root / "blobs")

    async def make() -> None:
        (root / "blobs").mkdir()

    yield Place(FileBlobStore(root / "blobs"), delete, make)


@asynccontextmanager
async def container(root: Path) -> AsyncIterator[Place]:
    from azure.storage.blob.aio import BlobServiceClient

    connection, name = address("AZURE_CONNECTION_STRING"), new_container()
    async with BlobServiceClient.from_connection_string(connection) as service:

        async def delete() -> None:
            await service.delete_container(name)

        async def make() -> None:
            await service.create_container(name)

        yield Place(AzureBlobStore(f"azure:///{name}", connection, 20, 30), delete, make)


@asynccontextmanager
async def bucket(root: Path) -> AsyncIterator[Place]:
    name, endpoint = new_bucket(), shared_moto().endpoint
    session = Session()
    session.set_credentials("mechshare", "hush")
    client: Any = session.create_client("s3", region_name="us-east-1", endpoint_url=endpoint)

    async def delete() -> None:
        for found in client.list_objects_v2(Bucket=name).get("Contents", ()):
            client.delete_object(Bucket=name, Key=found["Key"])
        client.delete_bucket(Bucket=name)

    async def make() -> None:
        client.create_bucket(Bucket=name)

    yield Place(s3_blob_store(f"s3://{name}/clips", endpoint=endpoint, **KEYS), delete, make)


async def pieces(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def read(blobs: BlobStore, key: str) -> bytes:
    return b"".join([chunk async for chunk in blobs.read(key)])


async def listed(blobs: BlobStore) -> list[str]:
    return [key async for key in blobs.list("")]


@pytest.mark.parametrize("place", [folder, container, bucket], ids=lambda place: place.__name__)
async def test_a_store_whose_folder_or_bucket_is_lost_is_unavailable_until_it_is_back(
    place: Any, tmp_path: Path
) -> None:
    async with place(tmp_path) as at:
        blobs = at.blobs
        await blobs.prepare()
        await blobs.write(KEY, pieces(b"motion"))
        assert await read(blobs, KEY) == b"motion"

        await at.delete()
        for call in (
            lambda: blobs.stat(KEY),
            lambda: read(blobs, KEY),
            lambda: blobs.write(OTHER, pieces(b"more")),
            lambda: listed(blobs),
        ):
            with pytest.raises(Unavailable):
                await call()

        await at.make()
        await blobs.write(OTHER, pieces(b"more"))
        assert await read(blobs, OTHER) == b"more"
        assert await blobs.stat(KEY) is None
        with pytest.raises(MediaNotFound):
            await read(blobs, KEY)
        await blobs.close()
