"""Derivatives for test suites: every file gets the same placeholder; nothing is decoded or written to disk."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from hashlib import sha256
from importlib.resources import files

from mechshare.domain.blobs import BlobFacts, derivative_key, original_key
from mechshare.domain.derived_files import AnalysedClip, DerivedFiles
from mechshare.domain.file_types import ModelFormat
from mechshare.domain.ids import MechanismId
from mechshare.domain.kinds import MechanismKind, kind_of
from mechshare.domain.main_files import without_metadata
from mechshare.domain.media import MediaFacts
from mechshare.domain.motion import Motion, MotionAnalysis, MotionKind
from mechshare.domain.originals import OriginalFile
from mechshare.domain.trims import Trim
from mechshare.ports.blobs import BlobStore
from mechshare.services.derivation import DerivedMedia
from mechshare.services.jobs import Progress

_PLACEHOLDER = files("mechshare.testing") / "placeholder"


class PlaceholderDerivation:
    """Makes every file 320 x 240 px: a clip of two frames and 2.4 s, a picture, or a document of one page.

    Size and digest are those of the original; the text of the page is the digest.
    """

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs

    def begin(self, original: OriginalFile) -> None:
        """Does nothing: `derive` takes no time."""

    async def keep_ready(self) -> None:
        """Waits until it is cancelled: there is nothing to prepare."""
        await asyncio.Event().wait()

    async def derive(
        self, id: MechanismId, original: OriginalFile, fence: int, progress: Progress
    ) -> DerivedMedia:
        await progress("store", 0.0)
        kind = kind_of(original.format)
        if kind is not MechanismKind.CLIP:
            return await self._derive_still(id, original, fence, is_document=kind is MechanismKind.DOCUMENT)
        stored = DerivedFiles(
            video=await self._store(id, fence, "video.mp4"),
            thumbnail=await self._store(id, fence, "thumbnail.webp"),
            preview=await self._store(id, fence, "preview.webp"),
        )
        return DerivedMedia(facts=_facts_of(original), files=stored)

    async def remove_metadata(
        self, id: MechanismId, original: OriginalFile, fence: int, progress: Progress
    ) -> OriginalFile:
        """Stores a copy that lacks each line `metadata: ...`."""
        await progress("store", 0.0)
        content = b"".join([chunk async for chunk in self._blobs.read(original.key)])
        content_left = b"".join(
            line for line in content.splitlines(True) if not line.startswith(b"metadata:")
        )
        key = original_key(f"{id}-{fence}", original.format.extension)
        return without_metadata(original, await self._blobs.write(key, _whole(content_left)))

    async def draw_thumbnail(
        self, id: MechanismId, original: OriginalFile, at: float | None, fence: int, progress: Progress
    ) -> BlobFacts:
        await progress("store", 0.0)
        return await self._store(id, fence, "thumbnail.webp")

    async def draw_model(
        self, id: MechanismId, file: BlobFacts, format: ModelFormat, fence: int, progress: Progress
    ) -> BlobFacts:
        await progress("store", 0.0)
        return await self._store(id, fence, "thumbnail.webp")

    async def analyse(
        self, id: MechanismId, video: BlobFacts, fence: int, progress: Progress
    ) -> AnalysedClip | None:
        """Finds that the clip is still."""
        return AnalysedClip(motion=MotionAnalysis(motion=Motion(kind=MotionKind.STILL)))

    async def analyse_clip(self, clip: OriginalFile, progress: Progress) -> MotionAnalysis | None:
        """Finds that the clip is still."""
        return MotionAnalysis(motion=Motion(kind=MotionKind.STILL))

    async def _derive_still(
        self, id: MechanismId, original: OriginalFile, fence: int, *, is_document: bool
    ) -> DerivedMedia:
        thumbnail = await self._store(id, fence, "thumbnail.webp")
        shown = await self._store(id, fence, "preview.webp")
        facts = replace(
            _facts_of(original),
            duration_ms=None,
            frame_count=None,
            frame_rate=None,
            page_count=1 if is_document else None,
        )
        if not is_document:
            return DerivedMedia(facts=facts, files=DerivedFiles(thumbnail=thumbnail, picture=shown))
        files = DerivedFiles(thumbnail=thumbnail, pages=(shown,))
        return DerivedMedia(facts=facts, files=files, pages=((original.sha256, shown),))

    async def _store(self, id: MechanismId, fence: int, name: str) -> BlobFacts:
        content = (_PLACEHOLDER / name).read_bytes()
        key = derivative_key(id, fence, sha256(content).hexdigest(), name.rpartition(".")[2])
        return await self._blobs.write(key, _whole(content))


def _facts_of(original: OriginalFile) -> MediaFacts:
    trim = original.trim or Trim()
    duration = (trim.end_ms or 2_400) - trim.start_ms
    return MediaFacts(
        width=320,
        height=240,
        duration_ms=duration,
        frame_count=2,
        frame_rate=round(2_000 / duration, 3),
        codec="placeholder",
        size=original.size,
        sha256=original.sha256,
    )


async def _whole(content: bytes) -> AsyncIterator[bytes]:
    yield content
