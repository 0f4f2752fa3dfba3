"""A media processor for tests that need no decoding: draws a small placeholder."""

import asyncio
from contextlib import ExitStack
from fractions import Fraction
from hashlib import sha256
from io import FileIO
from pathlib import Path

from PIL import Image

from mechshare.adapters.media.derivatives import Facts, Outputs, make_derivatives
from mechshare.adapters.media.limits import MediaLimits
from mechshare.adapters.media.metadata import copy_without_metadata
from mechshare.adapters.media.names import COPY, PHASES, PICTURE, PREVIEW, THUMBNAIL, VIDEO, final_name
from mechshare.adapters.media.pictures import frame_of
from mechshare.adapters.media.timing import Clip, TimedFrame, part_of
from mechshare.domain.file_types import ModelFormat
from mechshare.domain.kinds import MechanismKind, kind_of
from mechshare.domain.media import SNIFF_BYTES, FailureCode, MediaFacts, MediaFormat, ProcessingFailure, sniff
from mechshare.domain.motion import VECTOR_BYTES, LoopCut, Motion, MotionAnalysis, MotionKind
from mechshare.domain.trims import Trim
from mechshare.ports.media import Derivatives, Isolation, MediaRejected, MotionFiles, PageFile, Progress

_WIDTH, _HEIGHT = 320, 240
_FRAME = Fraction(6, 5)


class StubMediaProcessor:
    """Takes every non-empty file for one of 320 x 240 px, coloured by its digest: a clip of two frames in 2.4 s, a
    picture, or a document of one page, whose text is the digest."""

    async def process(
        self,
        source: Path,
        format: MediaFormat,
        into: Path,
        progress: Progress,
        trim: Trim | None = None,
    ) -> Derivatives:
        content = await asyncio.to_thread(source.read_bytes)
        if not content:
            raise MediaRejected(ProcessingFailure(code=FailureCode.EMPTY), permanent=True)
        digest = sha256(content)
        await progress("decode", 1.0)
        if kind_of(format) is not MechanismKind.CLIP:
            return await asyncio.to_thread(_still, kind_of(format), content, into)
        preview, drawn = await asyncio.to_thread(_draw, digest.digest(), into, trim)
        facts = MediaFacts(
            width=_WIDTH,
            height=_HEIGHT,
            duration_ms=round(drawn.duration * 1000),
            frame_count=drawn.count,
            frame_rate=round(float(drawn.count / drawn.duration), 3),
            codec="stub",
            size=len(content),
            sha256=digest.hexdigest(),
        )
        return Derivatives(
            facts=facts,
            thumbnail=into / THUMBNAIL,
            video=into / VIDEO,
            preview=preview,
            phases=await asyncio.to_thread(_draw_phases, digest.digest(), into),
            motion=_motion_of(digest.digest()),
        )

    async def draw_thumbnail(
        self,
        source: Path,
        format: MediaFormat,
        at: float | None,
        into: Path,
        progress: Progress,
        trim: Trim | None = None,
    ) -> Path:
        """Draws the frame that the made video shows at `at`; the first one for None."""
        content = await asyncio.to_thread(source.read_bytes)
        if not content:
            raise MediaRejected(ProcessingFailure(code=FailureCode.EMPTY), permanent=True)
        await progress("decode", 1.0)
        colour = _colours_of(sha256(content).digest())[0 if at is None or at < _FRAME else 1]
        drawn = into / THUMBNAIL
        await asyncio.to_thread(Image.new("RGB", (_WIDTH, _HEIGHT), colour).save, drawn, "WEBP")
        return drawn

    async def draw_model(self, source: Path, format: ModelFormat, into: Path, progress: Progress) -> Path:
        """Draws what it draws of a clip with the same bytes."""
        return await self.draw_thumbnail(source, MediaFormat.GIF, None, into, progress)

    async def remove_metadata(
        self, source: Path, format: MediaFormat, into: Path, progress: Progress
    ) -> Path:
        """Removes the metadata in the same process, as it may trust its files."""
        await progress("copy", 0.0)
        copy = into / f"{COPY}.{format.extension}"
        await asyncio.to_thread(_copy, source, format, copy)
        return copy

    async def analyse(self, source: Path, format: MediaFormat, into: Path, progress: Progress) -> MotionFiles:
        content = await asyncio.to_thread(source.read_bytes)
        digest = sha256(content).digest()
        phases = await asyncio.to_thread(_draw_phases, digest, into)
        return MotionFiles(motion=_motion_of(digest), phases=phases)

    async def keep_ready(self) -> None:
        """Waits until it is cancelled: there is nothing to prepare."""
        await asyncio.Event().wait()

    async def isolation(self) -> Isolation:
        return Isolation(active=("no decoding",))


def _copy(source: Path, format: MediaFormat, copy: Path) -> None:
    with source.open("rb") as file, copy.open("xb") as into:
        copy_without_metadata(file, format, into, MediaLimits())


def _motion_of(digest: bytes) -> MotionAnalysis:
    """Returns a loop of 2.4 s, with a vector that the digest decides."""
    motion = Motion(
        kind=MotionKind.LOOP,
        period=2.4,
        cycles=1.0,
        loops=True,
        cut=LoopCut(start=0.0, end=2.4),
        seam=1.0,
        confidence=1.0,
        there_and_back=True,
    )
    return MotionAnalysis(motion=motion, vector=(digest * 24)[:VECTOR_BYTES])


def _colours_of(digest: bytes) -> tuple[tuple[int, ...], tuple[int, ...]]:
    return tuple(digest[0:3]), tuple(digest[3:6])


def _still(kind: MechanismKind, content: bytes, into: Path) -> Derivatives:
    """Writes a plain picture and its thumbnail."""
    digest = sha256(content)
    is_document = kind is MechanismKind.DOCUMENT
    shown = into / ("page-1.webp" if is_document else PICTURE)
    picture = Image.new("RGB", (_WIDTH, _HEIGHT), tuple(digest.digest()[:3]))
    picture.save(shown, "WEBP")
    picture.save(into / THUMBNAIL, "WEBP", quality=50)
    facts = MediaFacts(
        width=_WIDTH,
        height=_HEIGHT,
        page_count=1 if is_document else None,
        codec="stub",
        size=len(content),
        sha256=digest.hexdigest(),
    )
    if not is_document:
        return Derivatives(facts=facts, thumbnail=into / THUMBNAIL, picture=shown)
    page = PageFile(text=digest.hexdigest(), picture=shown)
    return Derivatives(facts=facts, thumbnail=into / THUMBNAIL, pages=(page,))


def _draw(digest: bytes, into: Path, trim: Trim | None) -> tuple[Path, Facts]:
    """Draws two plain frames, whose colours are the first six bytes of `digest`. Returns the path of the preview, and
    what was drawn."""
    images = [Image.new("RGB", (_WIDTH, _HEIGHT), colour) for colour in _colours_of(digest)]
    frames = (
        TimedFrame(frame_of(image), _WIDTH, _HEIGHT, index * _FRAME, _FRAME)
        for index, image in enumerate(images)
    )
    with ExitStack() as files:
        outputs = Outputs(
            video=files.enter_context(FileIO(into / VIDEO, "xb+")),
            reread=files.enter_context(FileIO(into / VIDEO, "rb")),
            thumbnail=files.enter_context((into / THUMBNAIL).open("xb")),
            preview=files.enter_context((into / PREVIEW).open("xb")),
        )
        clip = part_of(Clip("stub", frames, lambda: 1.0), trim)
        made = make_derivatives(clip, outputs, MediaLimits(), _ignore_progress)
        made.save(outputs, _ignore_progress)
        made.beginning.save(outputs.preview)
    drawn = into / PREVIEW
    with drawn.open("rb") as file:
        format = MediaFormat.WEBP if sniff(file.read(SNIFF_BYTES)) is MediaFormat.WEBP else MediaFormat.MP4
    return drawn.rename(into / final_name(PREVIEW, format)), made.facts


def _ignore_progress(step: str, fraction: float) -> None:
    """Ignores the progress."""


def _draw_phases(digest: bytes, into: Path) -> Path:
    drawn = into / PHASES
    Image.new("RGB", (_WIDTH, _HEIGHT), _colours_of(digest)[0]).save(drawn, "WEBP")
    return drawn
