"""Processing of an uploaded file into its facts and derivatives."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mechshare.domain.file_types import ModelFormat
from mechshare.domain.jobs import AttemptFailed
from mechshare.domain.media import MediaFacts, MediaFormat
from mechshare.domain.motion import MotionAnalysis
from mechshare.domain.trims import Trim

Progress = Callable[[str, float], Awaitable[None]]
"""Receives the name of each step and the progress within it, 0..1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFile:
    """A page of a document: its text as it was read, and its WebP `picture`, None where it can't be drawn."""

    text: str
    picture: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Derivatives:
    """The result of processing, always with a WebP `thumbnail`. The suffix of each path is that of its format.

    A clip has an MP4 `video` (H.264, yuv420p, faststart), a small looping `preview`, a WebP or an MP4, and its
    `motion`, None if it could not be analysed; if it repeats, a WebP of its `phases`, five moments of one period laid
    over each other. A picture has a WebP `picture`, upright and without metadata. A document has `pages`.
    """

    facts: MediaFacts
    thumbnail: Path
    video: Path | None = None
    preview: Path | None = None
    phases: Path | None = None
    picture: Path | None = None
    pages: tuple[PageFile, ...] = ()
    motion: MotionAnalysis | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Isolation:
    """The layers that isolate the decoding of untrusted files, for operators: active, and missing on this machine."""

    active: tuple[str, ...]
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MotionFiles:
    """The `motion` of a clip, None if it can't be analysed, and the files that show what repeats: the `preview` that
    repeats it and its `phases`, both as in Derivatives. None if nothing repeats."""

    motion: MotionAnalysis | None
    preview: Path | None = None
    phases: Path | None = None


class MediaRejected(AttemptFailed):
    """The file could not be processed."""


class MediaProcessor(Protocol):
    async def process(
        self,
        source: Path,
        format: MediaFormat,
        into: Path,
        progress: Progress,
        trim: Trim | None = None,
    ) -> Derivatives:
        """Returns the facts of `source` and its derivatives, which it writes to the folder `into`; of a clip with
        `trim`, those of that part.

        Raises MediaRejected, OutOfSpace, and Unavailable if files can't be processed on this machine.
        """

    async def draw_thumbnail(
        self,
        source: Path,
        format: MediaFormat,
        at: float | None,
        into: Path,
        progress: Progress,
        trim: Trim | None = None,
    ) -> Path:
        """Writes the thumbnail (WebP) of `source` to the folder `into`, and returns its path.

        Of a clip it is the picture shown at `at`, in seconds from the start of the part `trim`, the last one after the
        end; None, and of a picture or document: the one that `process` makes. Raises what `process` raises.
        """

    async def draw_model(self, source: Path, format: ModelFormat, into: Path, progress: Progress) -> Path:
        """Writes a thumbnail (WebP) of the 3-D model `source` to the folder `into`, and returns its path.

        It shows the model from the right front and above, with z up, or else the thumbnail that a 3MF contains. Raises
        what `process` raises.
        """

    async def remove_metadata(
        self, source: Path, format: MediaFormat, into: Path, progress: Progress
    ) -> Path:
        """Writes a copy of `source` to the folder `into`, and returns its path.

        The copy shows the same and lacks the metadata of its container: place, author, device, times, comments.
        `format` is one of METADATA_REMOVABLE. Raises what `process` raises.
        """

    async def analyse(self, source: Path, format: MediaFormat, into: Path, progress: Progress) -> MotionFiles:
        """Returns the motion of the clip `source`. Writes the files to the folder `into`. Raises what `process`
        raises."""

    async def keep_ready(self) -> None:
        """Makes the next file ready sooner, for as long as it runs: until it is cancelled. Run it once at a time. Files
        are processed without it, too. Raises OSError if it can't go on."""

    async def isolation(self) -> Isolation:
        """Returns how files are isolated on this machine, by trying it. Raises MediaRejected and Unavailable."""
