"""Blobs in a bucket of an object storage service, through obstore."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Protocol

import obstore
from obstore.exceptions import BaseError
from obstore.store import GCSStore, S3Store

from mechshare.adapters.blobs.multipart_upload import MultipartUpload
from mechshare.adapters.circuit_breaker import CircuitBreaker
from mechshare.domain.blobs import BlobFacts, content_type_of, is_blob_key
from mechshare.domain.errors import DependencyUnavailable, MediaNotFound, StorageFull

if TYPE_CHECKING:  # these names exist for type checkers only
    from obstore import GetOptions, GetResult, ObjectMeta
    from obstore.store import ClientConfig, RetryConfig

_PART = 8 * 1024 * 1024
"""Bytes. S3 accepts parts of at least 5 MiB and at most 10,000 of them: blobs of up to 78 GiB."""
_CHUNK = 256 * 1024
_CONCURRENT_WRITES = 32
_LIST_SIZE = 1000
_FULL = re.compile(r"status code: 507|<Code>\w*(?:StorageFull|QuotaExceeded)</Code>")
"""What obstore's message contains if the server (MinIO, Ceph) has no room; Amazon and Google always have."""
_FORBIDDEN = re.compile(r"status(?: code)?: 40[13]\b|<Code>AccessDenied</Code>")
"""What obstore's message contains if the key may not list objects. Then the bucket exists."""
NO_RETRIES: RetryConfig = {"max_retries": 0}
"""A client waits for the response; the circuit breaker protects a service that does not respond."""


def client_options(endpoint: str = "") -> ClientConfig:
    """Returns options with short timeouts. `timeout` limits a whole download, whose pace the viewer sets."""
    return {
        "allow_http": endpoint.startswith("http://"),
        "connect_timeout": timedelta(seconds=2),
        "read_timeout": timedelta(seconds=10),
        "timeout": timedelta(days=1),
    }


class Bucket(Protocol):
    """What obstore does not do for a bucket. Its methods may raise any Exception, which means unavailable."""

    async def prepare(self) -> None:
        """Makes the bucket ready for writes, and deletes the parts of abandoned uploads."""

    async def link(self, key: str, lifetime: timedelta, content_type: str, disposition: str) -> str | None:
        """Returns a URL at which anyone can read the blob for `lifetime`; None if there is none."""


class ObjectBlobStore:
    """Stores blobs smaller than 8 MiB in one request, and larger ones in parts that become visible together."""

    def __init__(self, store: S3Store | GCSStore, bucket: Bucket) -> None:
        self._store = store
        self._bucket = bucket
        self._circuit = CircuitBreaker("blob store")
        self._turns = asyncio.Semaphore(_CONCURRENT_WRITES)

    async def write(self, key: str, chunks: AsyncIterator[bytes]) -> BlobFacts:
        _check(key)
        content = _Measured(chunks)
        parts = _parts(content.chunks())
        first = await anext(parts, b"")
        if len(first) < _PART:
            async with self._turns, self._translated_errors():
                await obstore.put_async(
                    self._store, key, first, attributes=_attributes(key), use_multipart=False
                )
        else:
            await self._write_parts(key, first, parts)
        return BlobFacts(key=key, size=content.size, sha256=content.digest.hexdigest())

    async def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        _check(key)
        if end is not None and start >= end:
            await self._require(key)
            return
        async with self._translated_errors(missing=MediaNotFound):
            found = await self._get(key, start, end)
            if found is None:
                return
            async for block in found.stream(_CHUNK):
                content = memoryview(block)
                for offset in range(0, len(content), _CHUNK):
                    yield bytes(content[offset : offset + _CHUNK])

    async def stat(self, key: str) -> int | None:
        found = await self._head(key)
        return None if found is None else found["size"]

    async def written_at(self, key: str) -> datetime | None:
        found = await self._head(key)
        return None if found is None else found["last_modified"].astimezone(UTC)

    async def delete(self, key: str) -> None:
        _check(key)
        async with self._translated_errors():
            try:
                await obstore.delete_async(self._store, key)
            except FileNotFoundError:
                return  # already deleted

    async def list(self, prefix: str) -> AsyncIterator[str]:
        folder = prefix.rpartition("/")[0]
        if folder and not is_blob_key(folder):
            return  # no key has such a prefix, and the service may refuse it
        async with self._translated_errors():
            async for found in obstore.list(self._store, folder, chunk_size=_LIST_SIZE):
                for one in found:
                    if one["path"].startswith(prefix):
                        yield one["path"]

    async def link(self, key: str, lifetime: timedelta, content_type: str, disposition: str) -> str | None:
        _check(key)
        async with self._translated_errors():
            return await self._bucket.link(key, lifetime, content_type, disposition)

    async def prepare(self) -> None:
        async with self._translated_errors():
            await self._bucket.prepare()

    async def close(self) -> None:
        """Does nothing: obstore closes its connections when they have been idle."""

    async def _write_parts(self, key: str, first: bytes, others: AsyncIterator[bytes]) -> None:
        upload = MultipartUpload(self._store, key, _attributes(key), _PART)
        try:
            await upload.add(first)
            async for part in others:
                await upload.add(part)
            async with self._translated_errors():
                await upload.complete()
        except BaseException:
            await upload.abort()
            raise

    async def _get(self, key: str, start: int, end: int | None) -> GetResult | None:
        """Requests a range that is not empty; returns None if it begins after the last byte."""
        if end is not None:
            options: GetOptions = {"range": (start, end)}
        else:
            options = {"range": {"offset": start}} if start else {}
        try:
            return await obstore.get_async(self._store, key, options=options)
        except BaseError:
            # Services refuse such a range in different ways.
            if start < (await obstore.head_async(self._store, key))["size"]:
                raise
            return None

    async def _head(self, key: str) -> ObjectMeta | None:
        _check(key)
        async with self._translated_errors():
            try:
                return await obstore.head_async(self._store, key)
            except FileNotFoundError:
                await self._require_bucket()
                return None

    async def _require(self, key: str) -> None:
        if await self._head(key) is None:
            raise MediaNotFound()

    async def _require_bucket(self) -> None:
        """Raises Unavailable if the bucket is missing: a response to HEAD does not say whether it is."""
        try:
            async for _ in obstore.list(self._store, chunk_size=1):
                return
        except Exception as problem:
            if not _FORBIDDEN.search(str(problem)):
                raise _unavailable() from problem

    @asynccontextmanager
    async def _translated_errors(self, missing: type[Exception] | None = None) -> AsyncIterator[None]:
        """Encloses each call. Raises StorageFull, Unavailable, or `missing`, if given, for a missing blob."""
        async with self._circuit.guard():
            try:
                yield
            except (MediaNotFound, DependencyUnavailable):
                raise
            except FileNotFoundError as problem:
                await self._require_bucket()
                raise (missing or _unavailable)() from problem
            except Exception as problem:
                if _FULL.search(str(problem)):
                    raise StorageFull() from problem
                raise _unavailable() from problem


class _Measured:
    """Counts and hashes the bytes that pass through `chunks`."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks
        self.size = 0
        self.digest = sha256()

    async def chunks(self) -> AsyncIterator[bytes]:
        async for chunk in self._chunks:
            self.digest.update(chunk)
            self.size += len(chunk)
            yield chunk


async def _parts(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Returns the same bytes in parts of equal size, except for the last."""
    buffer = bytearray()
    async for chunk in chunks:
        buffer += chunk
        while len(buffer) >= _PART:
            yield bytes(buffer[:_PART])
            del buffer[:_PART]
    if buffer:
        yield bytes(buffer)


def _attributes(key: str) -> dict[str, str]:
    return {"Content-Type": content_type_of(key)}


def _unavailable() -> DependencyUnavailable:
    return DependencyUnavailable(dependency="blob store")


def _check(key: str) -> None:
    if not is_blob_key(key):
        raise ValueError(f"not a blob key: {key!r}")
