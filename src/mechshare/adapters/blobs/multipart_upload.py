"""An upload in parts that leaves nothing at the service if it is aborted."""

import asyncio
from collections.abc import AsyncIterator

import obstore
from obstore.store import GCSStore, S3Store

_CONCURRENT_PARTS = 2


class _Aborted(Exception):
    """Ends the stream of parts; obstore then deletes the parts at the service."""


class MultipartUpload:
    """Passes parts to obstore, which reads them from an iterator.

    obstore deletes the parts at the service if the iterator raises, but not if its own task is cancelled. So that task
    is never cancelled.
    """

    def __init__(
        self, store: S3Store | GCSStore, key: str, attributes: dict[str, str], part_bytes: int
    ) -> None:
        self._parts: asyncio.Queue[bytes | None] = asyncio.Queue(1)
        self._is_aborted = False
        self._task = asyncio.create_task(self._upload(store, key, attributes, part_bytes))

    async def add(self, part: bytes | None) -> None:
        """Waits until there is room for `part`; returns early if the upload has failed, as `complete` then raises."""
        putting = asyncio.ensure_future(self._parts.put(part))
        try:
            await asyncio.wait({putting, self._task}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            putting.cancel()

    async def complete(self) -> None:
        """Makes the parts one visible object. Raises the errors of obstore."""
        await self.add(None)
        await asyncio.shield(self._task)

    async def abort(self) -> None:
        """Deletes the parts, unless the object is complete already. Raises nothing if the upload has failed."""
        self._is_aborted = True
        await self.add(None)
        await asyncio.wait({self._task})
        self._task.exception()  # otherwise asyncio logs it as never retrieved

    async def _upload(
        self, store: S3Store | GCSStore, key: str, attributes: dict[str, str], part_bytes: int
    ) -> None:
        await obstore.put_async(
            store,
            key,
            self._read(),
            attributes=attributes,
            use_multipart=True,
            chunk_size=part_bytes,
            max_concurrency=_CONCURRENT_PARTS,
        )

    async def _read(self) -> AsyncIterator[bytes]:
        while (part := await self._parts.get()) is not None and not self._is_aborted:
            yield part
        if self._is_aborted:
            raise _Aborted()
