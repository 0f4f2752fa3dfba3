"""Uploads under way as blobs, one for each part, over any blob store."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from hashlib import sha256

from mechshare.domain.blobs import BlobFacts
from mechshare.domain.ids import UploadId
from mechshare.domain.uploads import UploadNotFound, part_folder
from mechshare.ports.blobs import BlobStore


@dataclass(frozen=True, slots=True, order=True)
class _Part:
    """The `size` bytes at `offset`, and the fence of their writer."""

    offset: int
    fence: int
    size: int

    @property
    def name(self) -> str:
        return f"{self.offset:016}-{self.fence:010}-{self.size}"


class PartUploadStore:
    """Stores each part as a blob whose name has its offset, fence and size; `finish` copies the parts into one blob.

    Of two parts at the same offset, that with the higher fence counts.

    On Azure, each part and the finished blob are committed by block lists of their own. The parts are not uncommitted
    blocks of the finished blob, which would save its copy: Azure drops such blocks after a week, allows 50,000 of them,
    and no listing shows them, so neither garbage collection nor `abort` could delete what an upload left.
    """

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs

    async def create(self, upload_id: UploadId) -> None:
        await self._write(upload_id, _Part(0, 0, 0), b"")

    async def append(self, upload_id: UploadId, fence: int, offset: int, content: bytes) -> None:
        if (await self.stat(upload_id) or 0) < offset:
            raise UploadNotFound()
        await self._write(upload_id, _Part(offset, fence, len(content)), content)

    async def stat(self, upload_id: UploadId) -> int | None:
        parts = await self._parts(upload_id)
        return sum(part.size for part in _joined(parts)) if parts else None

    async def finish(self, upload_id: UploadId, size: int, key: str) -> BlobFacts:
        parts = await self._parts(upload_id)
        joined = _joined(parts)
        if not parts and await self._blobs.stat(key) == size:
            return await self._facts(key, size)
        if not parts or sum(part.size for part in joined) < size:
            raise UploadNotFound()
        facts = await self._blobs.write(key, self._content(upload_id, joined, size))
        await self.abort(upload_id)
        return facts

    async def abort(self, upload_id: UploadId) -> None:
        # From the last to the first: what an interruption leaves never seems to be a complete file.
        for part in reversed(await self._parts(upload_id)):
            await self._blobs.delete(_key(upload_id, part))

    async def _write(self, upload_id: UploadId, part: _Part, content: bytes) -> None:
        await self._blobs.write(_key(upload_id, part), _one(content))

    async def _parts(self, upload_id: UploadId) -> list[_Part]:
        """Returns all parts by offset, those with the same offset by fence."""
        folder = f"{part_folder(upload_id)}/"
        names = [key.removeprefix(folder) async for key in self._blobs.list(folder)]
        return sorted(_Part(*map(int, name.split("-"))) for name in names)

    async def _content(self, upload_id: UploadId, parts: list[_Part], size: int) -> AsyncIterator[bytes]:
        """Yields the first `size` bytes."""
        for part in parts:
            end = min(part.size, size - part.offset)
            if end > 0:
                async for chunk in self._blobs.read(_key(upload_id, part), 0, end):
                    yield chunk

    async def _facts(self, key: str, size: int) -> BlobFacts:
        digest = sha256()
        async for chunk in self._blobs.read(key):
            digest.update(chunk)
        return BlobFacts(key=key, size=size, sha256=digest.hexdigest())


def _joined(parts: list[_Part]) -> list[_Part]:
    """Returns the parts that follow each other without a gap, from the beginning."""
    by_offset = {part.offset: part for part in parts}  # the last one has the highest fence
    joined, offset = [], 0
    while (part := by_offset.get(offset)) is not None and part.size:
        joined.append(part)
        offset += part.size
    return joined


def _key(upload_id: UploadId, part: _Part) -> str:
    return f"{part_folder(upload_id)}/{part.name}"


async def _one(content: bytes) -> AsyncIterator[bytes]:
    yield content
