"""Blobs in Azure Blob Storage."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit
from uuid import uuid4

from azure.core.exceptions import AzureError, HttpResponseError, ResourceExistsError
from azure.storage.blob import (
    BlobBlock,
    BlobProperties,
    BlobSasPermissions,
    ContentSettings,
    StorageErrorCode,
    generate_blob_sas,
)
from azure.storage.blob.aio import BlobServiceClient

from mechshare.adapters.circuit_breaker import CircuitBreaker
from mechshare.domain.blobs import BlobFacts, content_type_of, is_blob_key
from mechshare.domain.errors import DependencyUnavailable, MediaNotFound

_BLOCK = 4 * 1024 * 1024
_CHUNK = 256 * 1024


class AzureBlobStore:
    """Stores blobs in a container: `azure:///CONTAINER` with the option `connection_string`, or
    `azure://ACCOUNT.blob.core.windows.net/CONTAINER` with the machine's identity (DefaultAzureCredential). With
    `?redirect=sas` clients download from Azure directly.

    A server that takes more than these seconds to accept a connection or to send the next bytes counts as down; with
    the SDK's default timeouts and retries a call can take up to five minutes. Raises ValueError for a URL without a
    container, for a missing connection string and for a missing azure-identity.
    """

    def __init__(
        self, url: str, connection_string: str = "", connect_timeout: float = 2, read_timeout: float = 5
    ) -> None:
        parts = urlsplit(url)
        container = parts.path.strip("/")
        if not container:
            raise ValueError(f"a blob container is missing: azure:///CONTAINER, not {url}")
        self._hands_out_links = parse_qs(parts.query).get("redirect") == ["sas"]
        self._circuit = CircuitBreaker("blob store")
        self._identity: Any = None
        timeouts: dict[str, Any] = {
            "connection_timeout": connect_timeout,
            "read_timeout": read_timeout,
            "retry_total": 0,
            "max_single_get_size": _BLOCK,
            "max_chunk_get_size": _BLOCK,
        }
        if parts.netloc:
            self._identity = _machine_identity()
            account = f"https://{parts.netloc}"
            self._service = BlobServiceClient(account, self._identity, **timeouts)
        elif connection_string:
            self._service = BlobServiceClient.from_connection_string(connection_string, **timeouts)
        else:
            raise ValueError("MECHSHARE_BLOBS_CONNECTION_STRING is missing, which azure:///CONTAINER needs")
        self._container = self._service.get_container_client(container)

    async def write(self, key: str, chunks: AsyncIterator[bytes]) -> BlobFacts:
        _check(key)
        blob = self._container.get_blob_client(key)
        digest, size = sha256(), 0
        # Block names are unique to this write, so that it never commits blocks of an earlier or concurrent write.
        writer = uuid4().hex
        blocks: list[BlobBlock] = []
        async for block in _blocks(chunks):
            name = base64.b64encode(f"{writer}-{len(blocks):06}".encode()).decode()
            async with self._translated_errors():
                await blob.stage_block(name, BytesIO(block), len(block), validate_content=True)
            blocks.append(BlobBlock(name))
            digest.update(block)
            size += len(block)
        async with self._translated_errors():
            await blob.commit_block_list(
                blocks,
                content_settings=ContentSettings(content_type=content_type_of(key)),
                metadata={"sha256": digest.hexdigest()},
                validate_content=True,
            )
        return BlobFacts(key=key, size=size, sha256=digest.hexdigest())

    async def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        _check(key)
        size = await self.stat(key)
        if size is None:
            raise MediaNotFound()
        end = size if end is None else min(end, size)
        if start >= end:
            return
        async with self._translated_errors(missing=MediaNotFound):
            # The SDK requests further ranges with the ETag of the first, so that two versions are never mixed.
            stream = await self._container.download_blob(key, start, end - start)
            async for block in stream.chunks():
                for offset in range(0, len(block), _CHUNK):
                    yield block[offset : offset + _CHUNK]

    async def stat(self, key: str) -> int | None:
        properties = await self._properties(key)
        return None if properties is None else int(properties.size)

    async def written_at(self, key: str) -> datetime | None:
        properties = await self._properties(key)
        return None if properties is None else properties.last_modified.astimezone(UTC)

    async def delete(self, key: str) -> None:
        _check(key)
        try:
            async with self._translated_errors(missing=MediaNotFound):
                await self._container.delete_blob(key, delete_snapshots="include")
        except MediaNotFound:
            return  # already deleted

    async def list(self, prefix: str) -> AsyncIterator[str]:
        if not prefix.isprintable():
            return  # no key has such a prefix, and the service rejects it
        async with self._translated_errors():
            async for name in self._container.list_blob_names(name_starts_with=prefix):
                yield name

    async def link(self, key: str, lifetime: timedelta, content_type: str, disposition: str) -> str | None:
        _check(key)
        if not self._hands_out_links:
            return None
        now = datetime.now(UTC)
        signing: dict[str, Any] = {}
        if self._identity is None:
            signing["account_key"] = self._service.credential.account_key
        else:
            async with self._translated_errors():
                signing["user_delegation_key"] = await self._service.get_user_delegation_key(
                    now - timedelta(minutes=5), now + lifetime
                )
        signature = generate_blob_sas(
            account_name=str(self._service.account_name),
            container_name=str(self._container.container_name),
            blob_name=key,
            permission=BlobSasPermissions(read=True),
            start=now - timedelta(minutes=5),
            expiry=now + lifetime,
            content_type=content_type,
            content_disposition=disposition,
            **signing,
        )
        return f"{self._container.url}/{quote(key)}?{signature}"

    async def prepare(self) -> None:
        async with self._translated_errors():
            try:
                await self._container.create_container()
            except ResourceExistsError:
                return

    async def close(self) -> None:
        await self._service.close()
        if self._identity is not None:
            await self._identity.close()

    async def _properties(self, key: str) -> BlobProperties | None:
        _check(key)
        try:
            async with self._translated_errors(missing=MediaNotFound):
                return await self._container.get_blob_client(key).get_blob_properties()
        except MediaNotFound:
            return None

    @asynccontextmanager
    async def _translated_errors(self, missing: type[Exception] | None = None) -> AsyncIterator[None]:
        """Encloses each call. Raises Unavailable, or `missing`, if given, for a missing blob."""
        async with self._circuit.guard():
            try:
                yield
            except (AzureError, OSError, TimeoutError) as problem:
                if missing and _is_blob_missing(problem):
                    raise missing() from problem
                raise _unavailable() from problem


def _is_blob_missing(problem: Exception) -> bool:
    """Whether the blob, and not the whole container, is missing. The code is in a header, also of responses to HEAD."""
    if not isinstance(problem, HttpResponseError) or problem.status_code != 404:
        return False
    return getattr(problem, "error_code", None) != StorageErrorCode.CONTAINER_NOT_FOUND


def _unavailable() -> DependencyUnavailable:
    return DependencyUnavailable(dependency="blob store")


async def _blocks(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Returns the same bytes in blocks of equal size, except for the last."""
    buffer = bytearray()
    async for chunk in chunks:
        buffer += chunk
        while len(buffer) >= _BLOCK:
            yield bytes(buffer[:_BLOCK])
            del buffer[:_BLOCK]
    if buffer:
        yield bytes(buffer)


def _machine_identity() -> Any:
    try:
        from azure.identity.aio import DefaultAzureCredential
    except ModuleNotFoundError as missing:
        raise ValueError(
            "azure-identity is missing, which a URL with an account needs: pip install azure-identity"
        ) from missing
    return DefaultAzureCredential()


def _check(key: str) -> None:
    if not is_blob_key(key):
        raise ValueError(f"not a blob key: {key!r}")
