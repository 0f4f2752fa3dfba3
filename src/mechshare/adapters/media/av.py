"""Processes files, each in a separate sandboxed process: clips with FFmpeg's libraries (PyAV)."""

import asyncio
import os
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from hashlib import file_digest
from pathlib import Path
from typing import Any

import structlog

from mechshare.adapters.media.child_process import ChildProcess
from mechshare.adapters.media.limits import MediaLimits
from mechshare.adapters.media.motion import LoopResponder
from mechshare.adapters.media.names import (
    COPY,
    DERIVATIVES,
    GREY,
    PAGES,
    PHASES,
    PICTURE,
    PREVIEW,
    TEXTS,
    THUMBNAIL,
    VIDEO,
    final_name,
)
from mechshare.adapters.media.page_files import split_pages
from mechshare.adapters.media.running_task import rejected
from mechshare.adapters.media.sandbox import Confinement
from mechshare.adapters.media.spare_child import SpareChild
from mechshare.adapters.media.tasks import (
    CopyWithoutMetadata,
    OnlyMotion,
    Task,
    ThumbnailAt,
)
from mechshare.domain.file_types import ModelFormat
from mechshare.domain.kinds import MechanismKind, kind_of
from mechshare.domain.media import SNIFF_BYTES, FailureCode, MediaFacts, MediaFormat, sniff
from mechshare.domain.motion import MotionAnalysis
from mechshare.domain.trims import Trim
from mechshare.ports.media import Derivatives, Isolation, MediaRejected, MotionFiles, Progress
from mechshare.ports.motion import MotionAnalyser

_MAX_CONTAINER_BYTES = 16 * 1024 * 1024
"""Bytes by which a new container may exceed the former one."""
_TIMEOUT_ALONE = 90.0
"""Seconds that an analysis may take that is a job of its own: it delays no upload, and the machine may be busy."""
_log = structlog.get_logger("mechshare.media")


class AvMediaProcessor:
    """Opens untrusted files only in a child process without sockets, threads or other files, within MediaLimits.

    The child decodes the file only as the given format. This process survives any failure of the child. The same file
    gives the same bytes on the same kind of machine with the same releases of PyAV and Pillow. Without an `analyser`,
    clips have no motion.
    """

    def __init__(self, limits: MediaLimits | None = None, analyser: MotionAnalyser | None = None) -> None:
        self._limits = limits or MediaLimits()
        self._analyser = analyser
        self._spare = SpareChild()
        self._warned: set[str] = set()

    async def process(
        self,
        source: Path,
        format: MediaFormat,
        into: Path,
        progress: Progress,
        trim: Trim | None = None,
    ) -> Derivatives:
        with tempfile.TemporaryDirectory(dir=into, prefix="child-") as name:
            folder = Path(name)
            motion = LoopResponder(self._analyser, folder / GREY)
            facts = await self._facts(Task(format, self._limits, trim=trim), source, folder, progress, motion)
            if facts.duration_ms is not None:
                return _clip(facts, folder, into, motion.found)
            if kind_of(format) is MechanismKind.DOCUMENT:
                return await asyncio.to_thread(_document, facts, folder, into)
            return _picture(facts, folder, into)

    async def _facts(
        self, task: Task, source: Path, folder: Path, progress: Progress, motion: LoopResponder
    ) -> MediaFacts:
        """Has a child make everything in `folder`; returns the facts, of which this process measures size and digest
        meanwhile."""
        measuring = asyncio.create_task(asyncio.to_thread(_size_and_digest, source))
        try:
            measurements = await self._run_child(task, source, folder, progress, motion)
            size, digest = await measuring
        finally:
            measuring.cancel()
            await asyncio.gather(measuring, return_exceptions=True)
        return MediaFacts(**measurements, size=size, sha256=digest)

    async def draw_thumbnail(
        self,
        source: Path,
        format: MediaFormat,
        at: float | None,
        into: Path,
        progress: Progress,
        trim: Trim | None = None,
    ) -> Path:
        return await self._draw(Task(format, self._limits, ThumbnailAt(at), trim), source, into, progress)

    async def draw_model(self, source: Path, format: ModelFormat, into: Path, progress: Progress) -> Path:
        return await self._draw(Task(format, self._limits), source, into, progress)

    async def _draw(self, task: Task, source: Path, into: Path, progress: Progress) -> Path:
        """Runs a task whose only result is a thumbnail; returns the path of that."""
        with tempfile.TemporaryDirectory(dir=into, prefix="child-") as name:
            folder = Path(name)
            await self._run_child(task, source, folder, progress)
            _checked_format(folder / THUMBNAIL)
            return (folder / THUMBNAIL).replace(into / THUMBNAIL)

    async def remove_metadata(
        self, source: Path, format: MediaFormat, into: Path, progress: Progress
    ) -> Path:
        with tempfile.TemporaryDirectory(dir=into, prefix="child-") as name:
            folder = Path(name)
            size = await asyncio.to_thread(os.path.getsize, source)
            task = Task(format, _for_copy(self._limits, size), CopyWithoutMetadata())
            await self._run_child(task, source, folder, progress)
            if _sniffed(folder / COPY) is not format:
                raise rejected(FailureCode.CRASHED, f"{COPY} has a wrong format")
            return (folder / COPY).replace(into / f"{COPY}.{format.extension}")

    async def analyse(self, source: Path, format: MediaFormat, into: Path, progress: Progress) -> MotionFiles:
        with tempfile.TemporaryDirectory(dir=into, prefix="child-") as name:
            folder = Path(name)
            motion = LoopResponder(self._analyser, folder / GREY, _TIMEOUT_ALONE)
            await self._run_child(Task(format, self._limits, OnlyMotion()), source, folder, progress, motion)
            made = _move_made(folder, into, (PREVIEW, PHASES))
            return MotionFiles(motion=motion.found, preview=made.get(PREVIEW), phases=made.get(PHASES))

    async def keep_ready(self) -> None:
        """Keeps a child process waiting that has imported what decoding needs, in some 45 MiB of memory, and loads the
        analyser."""
        if self._analyser is not None:
            await self._analyser.prepare()
        await self._spare.keep()

    async def isolation(self) -> Isolation:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "empty").touch()
            child = await ChildProcess.start()
            try:
                task, motion = Task(MediaFormat.GIF, self._limits), LoopResponder(None, folder / GREY)
                await child.run(task, folder / "empty", folder, _ignore_progress, motion)
            except MediaRejected:
                if child.confinement is None:
                    raise
            finally:
                await child.end()
        return _described(child.confinement)

    async def _run_child(
        self,
        task: Task,
        source: Path,
        folder: Path,
        progress: Progress,
        motion: LoopResponder | None = None,
    ) -> dict[str, Any]:
        child = await self._spare.take()
        try:
            return await child.run(
                task, source, folder, progress, motion or LoopResponder(None, folder / GREY)
            )
        finally:
            await child.end()
            self._warn(child.confinement)

    def _warn(self, confinement: Confinement | None) -> None:
        """Logs each layer that is missing, once."""
        if confinement is None:
            return
        missing = {
            "media_child_without_call_filter": not confinement.call_filter,
            "media_child_without_landlock": not confinement.landlock,
        }
        for event in sorted(event for event, is_missing in missing.items() if is_missing):
            if event not in self._warned:
                self._warned.add(event)
                _log.warning(event, platform=sys.platform)


def _clip(facts: MediaFacts, folder: Path, into: Path, motion: MotionAnalysis | None) -> Derivatives:
    made = _move_derivatives(folder, into, (VIDEO, THUMBNAIL, PREVIEW))
    made |= _move_made(folder, into, (PHASES,))
    return Derivatives(
        facts=facts,
        thumbnail=made[THUMBNAIL],
        video=made[VIDEO],
        preview=made[PREVIEW],
        phases=made.get(PHASES),
        motion=motion,
    )


def _picture(facts: MediaFacts, folder: Path, into: Path) -> Derivatives:
    made = _move_derivatives(folder, into, (PICTURE, THUMBNAIL))
    return Derivatives(facts=facts, thumbnail=made[THUMBNAIL], picture=made[PICTURE])


def _document(facts: MediaFacts, folder: Path, into: Path) -> Derivatives:
    made = _move_derivatives(folder, into, (THUMBNAIL,))
    pages = split_pages(folder / PAGES, folder / TEXTS, into, facts.page_count or 0)
    return Derivatives(facts=facts, thumbnail=made[THUMBNAIL], pages=pages)


def _for_copy(limits: MediaLimits, size: int) -> MediaLimits:
    """Returns `limits` for a child that writes a copy of a file of `size` bytes."""
    return replace(limits, file_size=max(limits.file_size, size + _MAX_CONTAINER_BYTES))


async def _ignore_progress(step: str, fraction: float) -> None:
    """Ignores progress."""


def _described(confinement: Confinement | None) -> Isolation:
    if confinement is None:
        raise RuntimeError("the child did not say how it is confined")
    layers = {
        "a list of allowed system calls": confinement.call_filter,
        f"Landlock {confinement.landlock or ''}".strip(): confinement.landlock > 0,
    }
    return Isolation(
        active=(
            *(name for name, is_active in layers.items() if is_active),
            "resource limits",
            f"user {confinement.user}",
        ),
        missing=tuple(name for name, is_active in layers.items() if not is_active),
    )


def _move_derivatives(folder: Path, into: Path, names: Iterable[str]) -> dict[str, Path]:
    """Moves the derivatives `names` out of the child's folder, and returns where they are.

    Raises MediaRejected if one is missing or has a wrong format.
    """
    made = {name: into / final_name(name, _checked_format(folder / name)) for name in names}
    for name, path in made.items():
        (folder / name).replace(path)
    return made


def _move_made(folder: Path, into: Path, names: Iterable[str]) -> dict[str, Path]:
    """Moves those of the derivatives that the child has made, as `_move_derivatives` does."""
    return _move_derivatives(folder, into, [name for name in names if _is_written(folder / name)])


def _is_written(path: Path) -> bool:
    try:
        return path.lstat().st_size > 0
    except OSError:  # the child owns the folder's files, and may have removed one
        return False


def _checked_format(path: Path) -> MediaFormat:
    """Returns the format of a derivative by its content. Raises MediaRejected."""
    sniffed = _sniffed(path)
    if sniffed not in DERIVATIVES[path.name]:
        raise rejected(FailureCode.CRASHED, f"{path.name} has a wrong format")
    return sniffed


def _sniffed(path: Path) -> MediaFormat | None:
    """Returns the format of a file that the child wrote. Raises MediaRejected if it is none."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
            return sniff(file.read(SNIFF_BYTES))
    except OSError as missing:
        raise rejected(FailureCode.CRASHED, f"{path.name} can't be read") from missing


def _size_and_digest(path: Path) -> tuple[int, str]:
    with path.open("rb") as file:
        return os.fstat(file.fileno()).st_size, file_digest(file, "sha256").hexdigest()
