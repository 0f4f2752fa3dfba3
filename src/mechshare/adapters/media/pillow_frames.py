"""Reads the frames of formats that FFmpeg does not read whole: animated WebP and AVIF, and APNG of 16 bits."""

from collections.abc import Iterator
from fractions import Fraction

from PIL import Image

from mechshare.adapters.media.limits import MediaLimits
from mechshare.adapters.media.pictures import flattened, frame_of, size_within
from mechshare.adapters.media.refusals import refuse_frames, refuse_pixels
from mechshare.adapters.media.timing import TimedFrame, Work, shown_for
from mechshare.domain.media import MediaFormat

PLUGINS = {MediaFormat.WEBP: "WEBP", MediaFormat.APNG: "PNG", MediaFormat.AVIF: "AVIF"}
"""Pillow's name of each format that it reads."""


def frames_in(image: Image.Image) -> int:
    return int(getattr(image, "n_frames", 1))


def pillow_frames(image: Image.Image, limits: MediaLimits, work: Work) -> Iterator[TimedFrame]:
    """Yields the frames; a still picture has one. Raises RefusedClip."""
    start = Fraction(0)
    refuse_frames(frames_in(image), limits)
    refuse_pixels(image.width * image.height * frames_in(image), limits)
    size = size_within(*image.size)
    for index in range(frames_in(image)):
        image.seek(index)
        image.load()
        work.add(image.width * image.height)
        picture = flattened(image, *size)
        duration = shown_for(Fraction(image.info.get("duration") or 0) / 1000)
        yield TimedFrame(frame_of(picture), image.width, image.height, start, duration)
        start += duration
