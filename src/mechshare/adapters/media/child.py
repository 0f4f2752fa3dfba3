"""The process that handles one file: `python -I -m mechshare.adapters.media.child`.

It reads its task as one line of JSON, and writes lines of JSON: progress, then the outcome. It is confined before it
opens the file, so that whatever a hostile file makes the decoders do stays in here.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import av
import av.error
from av.video.codeccontext import VideoCodecContext
from PIL import Image

from mechshare.adapters.media.derivatives import Facts, make_derivatives
from mechshare.adapters.media.frames import RefusedClip, opened
from mechshare.adapters.media.limits import MediaLimits
from mechshare.adapters.media.sandbox import confine
from mechshare.domain.media import FailureCode, MediaFormat

_TELL_EVERY = 0.25
"""Seconds between two words of progress."""


def main() -> None:
    task = json.loads(sys.stdin.readline())
    limits = MediaLimits(**task["limits"])
    Image.MAX_IMAGE_PIXELS = limits.area
    Image.init()
    av.logging.set_level(None)
    confined = confine(limits)
    tell(confined=confined)
    try:
        made = _process(Path(task["source"]), MediaFormat(task["format"]), Path(task["into"]), limits)
    except RefusedClip as refusal:
        tell(refused=refusal.code.value, detail=refusal.detail)
    except (MemoryError, av.error.MemoryError) as problem:
        tell(refused=FailureCode.OUT_OF_MEMORY.value, detail=str(problem))
    except Image.DecompressionBombError as problem:
        tell(refused=FailureCode.PICTURE_TOO_LARGE.value, detail=str(problem))
    except (av.error.FFmpegError, EOFError, OSError, SyntaxError, ValueError) as problem:
        tell(refused=FailureCode.UNREADABLE.value, detail=f"{type(problem).__name__}: {problem}"[:300])
    else:
        tell(made=made)


def tell(**facts: Any) -> None:
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


def _process(source: Path, format: MediaFormat, into: Path, limits: MediaLimits) -> dict[str, Any]:
    if source.stat().st_size == 0:
        raise RefusedClip(FailureCode.EMPTY)
    with opened(source, format, limits) as clip:
        facts = make_derivatives(clip, into, limits, _Teller())
        codec = clip.codec
    tell(step="verify", fraction=0.0)
    _verify(into, facts)
    return {**_told(facts), "codec": codec}


def _told(facts: Facts) -> dict[str, Any]:
    milliseconds = max(1, round(facts.duration * 1000))
    return {
        "width": facts.width,
        "height": facts.height,
        "frame_count": facts.count,
        "duration_ms": milliseconds,
        "frame_rate": round(facts.count * 1000 / milliseconds, 3),
    }


def _verify(into: Path, facts: Facts) -> None:
    """Opens what was made as a reader would. Raises ValueError: what can't be read back is not to be published."""
    with av.open(str(into / "video.mp4"), format="mov") as container:
        stream = container.streams.video[0]
        context: VideoCodecContext = stream.codec_context
        if context.name != "h264" or context.pix_fmt != "yuv420p" or stream.frames != facts.count:
            raise ValueError(f"the video made is {context.name} {context.pix_fmt} of {stream.frames} frames")
    for name in ("thumbnail.webp", "preview.webp"):
        with Image.open(into / name, formats=["WEBP"]) as image:
            image.load()


class _Teller:
    """Passes progress on, but not for every frame."""

    def __init__(self) -> None:
        self._next = 0.0

    def __call__(self, step: str, fraction: float) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _TELL_EVERY
            tell(step=step, fraction=round(fraction, 3))


if __name__ == "__main__":
    main()
