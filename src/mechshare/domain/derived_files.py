"""The stored files that are made from an original."""

from dataclasses import dataclass

from mechshare.domain.blobs import BlobFacts
from mechshare.domain.motion import MotionAnalysis


@dataclass(frozen=True, slots=True, kw_only=True)
class DerivedFiles:
    """The stored files made from the original, always a WebP `thumbnail`. A clip has an MP4 `video`, a small looping
    `preview` and, if it repeats, a picture of its `phases`; a picture has a large `picture`, and a document has its
    `pages` as pictures, as far as it has them."""

    thumbnail: BlobFacts
    video: BlobFacts | None = None
    preview: BlobFacts | None = None
    phases: BlobFacts | None = None
    picture: BlobFacts | None = None
    pages: tuple[BlobFacts, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysedClip:
    """The motion of a clip that was analysed again, and the stored files that show what repeats; None if nothing
    does."""

    motion: MotionAnalysis
    preview: BlobFacts | None = None
    phases: BlobFacts | None = None
