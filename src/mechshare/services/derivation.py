"""Makes derivatives from an original."""

import asyncio
import errno
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from hashlib import file_digest, sha256
from pathlib import Path
from typing import BinaryIO, Protocol

from mechshare.domain.blobs import BlobFacts, derivative_key, original_key
from mechshare.domain.derived_files import AnalysedClip, DerivedFiles
from mechshare.domain.errors import MediaNotFound, StorageFull
from mechshare.domain.file_types import ModelFormat
from mechshare.domain.ids import MechanismId
from mechshare.domain.main_files import without_metadata
from mechshare.domain.media import FailureCode, MediaFacts, MediaFormat, ProcessingFailure
from mechshare.domain.motion import MotionAnalysis
from mechshare.domain.originals import OriginalFile, OriginalMetadata
from mechshare.domain.pages import clean_pages
from mechshare.ports.blobs import BlobStore
from mechshare.ports.disks import Disks
from mechshare.ports.media import Derivatives, MediaProcessor, MediaRejected
from mechshare.ports.scratch import Scratch
from mechshare.services.jobs import Progress
from mechshare.services.support.disk_room import require_disk_room
from mechshare.services.support.early_start import EarlyStart

_READ_BYTES = 256 * 1024
_MIN_FREE_BYTES = 256 * 1024
"""Bytes. A failure with less free space than this counts as a full disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DerivedMedia:
    """The facts of a file and its stored derivatives; of a clip, its motion, None if it could not be analysed;
    of a document, the text and the picture, if any, of each page."""

    facts: MediaFacts
    files: DerivedFiles
    motion: MotionAnalysis | None = None
    pages: tuple[tuple[str, BlobFacts | None], ...] = ()


class Derivation(Protocol):
    def begin(self, original: OriginalFile) -> None:
        """Begins what `derive` will soon do with this new file, if nothing else is being derived. It may be called
        before the file's mechanism is stored; without a `derive` the work is discarded."""

    async def keep_ready(self) -> None:
        """Makes the next file ready sooner, for as long as it runs: until it is cancelled. Run it once at a time.
        Raises OSError if it can't go on."""

    async def derive(
        self, id: MechanismId, original: OriginalFile, fence: int, progress: Progress
    ) -> DerivedMedia:
        """Makes and stores the derivatives of `original`, under keys of the mechanism and `fence`.

        Raises MediaRejected, LostLease, Unavailable, OutOfSpace.
        """

    async def remove_metadata(
        self, id: MechanismId, original: OriginalFile, fence: int, progress: Progress
    ) -> OriginalFile:
        """Stores a copy of `original` without its metadata, under a key of the mechanism and `fence`; returns it.

        Raises what `derive` raises.
        """

    async def draw_thumbnail(
        self, id: MechanismId, original: OriginalFile, at: float | None, fence: int, progress: Progress
    ) -> BlobFacts:
        """Draws and stores a thumbnail of `original`, of a clip at `at`, in seconds from its start; None: as usual.

        Raises what `derive` raises.
        """

    async def draw_model(
        self, id: MechanismId, file: BlobFacts, format: ModelFormat, fence: int, progress: Progress
    ) -> BlobFacts:
        """Draws and stores a thumbnail of the stored 3-D model `file`, under a key of the mechanism and `fence`.

        Raises what `derive` raises.
        """

    async def analyse(
        self, id: MechanismId, video: BlobFacts, fence: int, progress: Progress
    ) -> AnalysedClip | None:
        """Analyses the motion of the stored `video`, an MP4, and stores the files that show what repeats.

        Returns None if it can't be analysed. Raises what `derive` raises.
        """

    async def analyse_clip(self, clip: OriginalFile, progress: Progress) -> MotionAnalysis | None:
        """Returns the motion of the stored `clip`, None if it can't be analysed. Stores nothing.

        Raises what `derive` raises.
        """


class ScratchDerivation:
    """Works in a folder of `scratch`. It stops when a disk reaches its reserve."""

    def __init__(self, blobs: BlobStore, media: MediaProcessor, disks: Disks, scratch: Scratch) -> None:
        self._blobs = blobs
        self._media = media
        self._disks = disks
        self._scratch = scratch
        self._early_start = EarlyStart(self._make, partial(_room_in, scratch))

    def begin(self, original: OriginalFile) -> None:
        if original.metadata is not OriginalMetadata.TO_BE_REMOVED:
            self._early_start.begin(original)

    async def keep_ready(self) -> None:
        self._early_start.is_allowed = True
        try:
            await self._media.keep_ready()
        finally:
            await self._early_start.stop()

    async def derive(
        self, id: MechanismId, original: OriginalFile, fence: int, progress: Progress
    ) -> DerivedMedia:
        progress = self._while_there_is_room(progress)
        async with self._early_start.run_for(original) as run:
            derivatives = await run.result(progress)
            await progress("store", 0.0)
            return await self._stored(id, fence, derivatives, progress)

    async def _make(self, original: OriginalFile, folder: Path, progress: Progress) -> Derivatives:
        await require_disk_room(self._disks, original.size)
        source = await self._fetch(original, original.format.extension, folder)
        into = folder / "made"
        await asyncio.to_thread(into.mkdir)
        made = await self._media.process(source, original.format, into, progress, original.trim)
        return replace(made, facts=replace(made.facts, size=original.size, sha256=original.sha256))

    async def draw_thumbnail(
        self, id: MechanismId, original: OriginalFile, at: float | None, fence: int, progress: Progress
    ) -> BlobFacts:
        progress = self._while_there_is_room(progress)
        async with self._copy_of(original, original.format.extension, progress) as source:
            drawn = await self._media.draw_thumbnail(
                source, original.format, at, source.parent, progress, original.trim
            )
            await progress("store", 0.0)
            return await self._store_file(id, fence, drawn)

    async def draw_model(
        self, id: MechanismId, file: BlobFacts, format: ModelFormat, fence: int, progress: Progress
    ) -> BlobFacts:
        progress = self._while_there_is_room(progress)
        async with self._copy_of(file, format.value, progress) as source:
            drawn = await self._media.draw_model(source, format, source.parent, progress)
            await progress("store", 0.0)
            return await self._store_file(id, fence, drawn)

    async def remove_metadata(
        self, id: MechanismId, original: OriginalFile, fence: int, progress: Progress
    ) -> OriginalFile:
        progress, extension = self._while_there_is_room(progress), original.format.extension
        room = 3 * original.size  # both files here, and the new one stored
        async with self._copy_of(original, extension, progress, room=room) as source:
            path = await self._media.remove_metadata(source, original.format, source.parent, progress)
            key = original_key(f"{id}-{fence}", extension)
            with path.open("rb") as file:
                return without_metadata(original, await self._blobs.write(key, _chunks_of(file)))

    async def analyse(
        self, id: MechanismId, video: BlobFacts, fence: int, progress: Progress
    ) -> AnalysedClip | None:
        progress = self._while_there_is_room(progress)
        async with self._copy_of(video, MediaFormat.MP4.extension, progress) as source:
            made = await self._media.analyse(source, MediaFormat.MP4, source.parent, progress)
            if made.motion is None:
                return None
            await progress("store", 0.0)
            preview = await self._store_if_made(id, fence, made.preview)
            phases = await self._store_if_made(id, fence, made.phases)
            return AnalysedClip(motion=made.motion, preview=preview, phases=phases)

    async def analyse_clip(self, clip: OriginalFile, progress: Progress) -> MotionAnalysis | None:
        progress = self._while_there_is_room(progress)
        async with self._copy_of(clip, clip.format.extension, progress) as source:
            return (await self._media.analyse(source, clip.format, source.parent, progress)).motion

    def _while_there_is_room(self, progress: Progress) -> Progress:
        """Returns a `progress` that raises DiskReserveReached when a disk reaches its reserve."""

        async def report(step: str, fraction: float) -> None:
            await require_disk_room(self._disks)
            await progress(step, fraction)

        return report

    @asynccontextmanager
    async def _copy_of(
        self, file: OriginalFile | BlobFacts, extension: str, progress: Progress, *, room: int | None = None
    ) -> AsyncIterator[Path]:
        """Provides a copy of a stored file in a temporary folder of its own, if the disks have `room` bytes for it and
        what is made of it: without `room`, as many as it has. Raises what `_fetch` raises, StorageFull,
        DiskReserveReached.
        """
        await require_disk_room(self._disks, file.size if room is None else room)
        with _room_in(self._scratch) as folder:
            await progress("fetch", 0.0)
            yield await self._fetch(file, extension, folder)

    async def _fetch(self, file: OriginalFile | BlobFacts, extension: str, folder: Path) -> Path:
        """Copies a stored file to `folder` and compares its SHA-256 with the recorded one.

        Raises MediaRejected. A missing file is looked for again at the next attempts: another machine's write may not
        be visible here yet.
        """
        digest, path = sha256(), folder / f"source.{extension}"
        try:
            with path.open("wb") as copy:
                async for chunk in self._blobs.read(file.key):
                    digest.update(chunk)
                    await asyncio.to_thread(copy.write, chunk)
        except MediaNotFound as lost:
            raise MediaRejected(ProcessingFailure(code=FailureCode.FILE_LOST), permanent=False) from lost
        if digest.hexdigest() != file.sha256:
            raise MediaRejected(ProcessingFailure(code=FailureCode.FILE_ALTERED), permanent=True)
        return path

    async def _stored(
        self, id: MechanismId, fence: int, made: Derivatives, progress: Progress
    ) -> DerivedMedia:
        pictures = []
        for number, page in enumerate(made.pages):
            await progress("store", number / len(made.pages))
            pictures.append(await self._store_if_made(id, fence, page.picture))
        files = await self._stored_at_once(id, fence, made)
        files = replace(files, pages=tuple(picture for picture in pictures if picture))
        texts = clean_pages(page.text for page in made.pages)
        pages = tuple(zip(texts, pictures, strict=True))
        return DerivedMedia(facts=made.facts, files=files, motion=made.motion, pages=pages)

    async def _stored_at_once(self, id: MechanismId, fence: int, made: Derivatives) -> DerivedFiles:
        """Stores all but the pictures of pages at the same time: each write waits for the disk."""
        try:
            async with asyncio.TaskGroup() as writes:
                thumbnail = writes.create_task(self._store_file(id, fence, made.thumbnail))
                video = writes.create_task(self._store_if_made(id, fence, made.video))
                preview = writes.create_task(self._store_if_made(id, fence, made.preview))
                phases = writes.create_task(self._store_if_made(id, fence, made.phases))
                picture = writes.create_task(self._store_if_made(id, fence, made.picture))
        except ExceptionGroup as failed:
            raise failed.exceptions[0]  # noqa: B904 - it has its own cause
        return DerivedFiles(
            thumbnail=thumbnail.result(),
            video=video.result(),
            preview=preview.result(),
            phases=phases.result(),
            picture=picture.result(),
        )

    async def _store_if_made(self, id: MechanismId, fence: int, path: Path | None) -> BlobFacts | None:
        return await self._store_file(id, fence, path) if path else None

    async def _store_file(self, id: MechanismId, fence: int, path: Path) -> BlobFacts:
        digest = await asyncio.to_thread(_digest_of, path)
        key = derivative_key(id, fence, digest, path.suffix.removeprefix("."))
        with path.open("rb") as file:
            return await self._blobs.write(key, _chunks_of(file))


@contextmanager
def _room_in(scratch: Scratch) -> Iterator[Path]:
    """Provides a temporary folder for one file. On a full disk it raises StorageFull in place of any other error,
    because the file is not at fault."""
    try:
        with scratch.folder() as folder:
            try:
                yield folder
            except MediaRejected as problem:
                if shutil.disk_usage(folder).free < _MIN_FREE_BYTES:
                    raise StorageFull() from problem
                raise
    except OSError as problem:
        if problem.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFull() from problem
        raise


def _digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


async def _chunks_of(file: BinaryIO) -> AsyncIterator[bytes]:
    while chunk := await asyncio.to_thread(file.read, _READ_BYTES):
        yield chunk
