"""Encodes pictures as clips; the same libraries produce the same bytes each time."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
from PIL import Image

_COLORS = 96
"""Colours of a GIF. One palette for all frames prevents flicker in parts that do not move."""


def save_clip(frames: Sequence[Image.Image], rate: int, path: Path) -> None:
    """Writes a clip that shows `frames` at `rate` a second, looping where its format can say so.

    The format is the path's suffix: .mp4 (H.264), .webm (VP9), .gif or .webp. `rate` divides 100, for the GIF's sake.
    """
    if path.suffix == ".gif":
        _save_gif(frames, rate, path)
    elif path.suffix == ".webp":
        save_webp(frames, rate, path)
    else:
        _save_video(frames, rate, path)


def save_webp(frames: Sequence[Image.Image], rate: int, path: Path, quality: int = 82) -> None:
    first, *rest = frames
    first.save(
        path, save_all=True, append_images=rest, duration=1000 // rate, loop=0, quality=quality, method=2
    )


def _save_gif(frames: Sequence[Image.Image], rate: int, path: Path) -> None:
    palette = frames[0].quantize(_COLORS, dither=Image.Dither.NONE)
    first, *rest = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    first.save(path, save_all=True, append_images=rest, duration=1000 // rate, loop=0)


def _save_video(frames: Sequence[Image.Image], rate: int, path: Path) -> None:
    webm = path.suffix == ".webm"
    quality = {"crf": "30", "b": "0", "cpu-used": "5"} if webm else {"crf": "20", "preset": "fast"}
    # Without "bitexact", a WebM gets a random identifier.
    with av.open(str(path), "w", options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream("libvpx-vp9" if webm else "libx264", rate=rate, options=quality)
        stream.width, stream.height = frames[0].size
        stream.pix_fmt = "yuv420p"
        # Threads share the work out by what the machine has, and the bytes would differ between machines.
        stream.codec_context.thread_count = 1
        for number, image in enumerate(frames):
            frame: av.VideoFrame = av.VideoFrame.from_image(image)  # type: ignore[no-untyped-call]
            frame.pts, frame.time_base = number, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
