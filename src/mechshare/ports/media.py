"""Turning a clip as it was sent into facts about it and files that anyone can watch."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mechshare.domain.media import MediaFacts, MediaFormat, ProcessingFailure


@dataclass(frozen=True, slots=True, kw_only=True)
class Derivatives:
    """What was made: a WebP `thumbnail`, an MP4 `video` (H.264, yuv420p, faststart), a small looping `preview`."""

    facts: MediaFacts
    thumbnail: Path
    video: Path
    preview: Path


class MediaRejected(Exception):
    """The file could not be processed. `permanent` says that trying again would not help."""

    def __init__(self, failure: ProcessingFailure, *, permanent: bool) -> None:
        super().__init__(f"{failure.code.value} {failure.detail}".strip())
        self.failure = failure
        self.permanent = permanent


class MediaProcessor(Protocol):
    async def process(
        self,
        source: Path,
        format: MediaFormat,
        into: Path,
        progress: Callable[[str, float], Awaitable[None]],
    ) -> Derivatives:
        """The facts and derivatives of `source`, written to the folder `into`.

        `progress` hears each step's name and 0..1 within it. Raises MediaRejected, and OutOfSpace.
        """
