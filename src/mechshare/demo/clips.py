"""The clips of the demonstration: `python -m mechshare.demo.clips FOLDER`."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image

from mechshare.demo import scenes
from mechshare.demo.drawing import HEIGHT, WIDTH

RATE = 25
"""Frames a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoClip:
    """`scene` draws a moment of the cycle; the clip shows one cycle, `period_ms` long, and so loops."""

    file_name: str
    title: str
    description: str
    categories: tuple[str, ...]
    period_ms: int
    scene: Callable[[float], Image.Image]

    @property
    def frame_count(self) -> int:
        return self.period_ms * RATE // 1000


CLIPS = (
    DemoClip(
        file_name="four-bar.mp4",
        title="四節リンク機構 (four-bar linkage, crank-rocker)",
        description="クランクの回転をロッカーの揺動に変える。赤い点は連節曲線を描く。\n"
        "The crank turns all round, the rocker swings; the red coupler point draws its curve. "
        "Ground 4.0, crank 1.3, coupler 3.6, rocker 2.6.",
        categories=("four-bar", "linkages"),
        period_ms=2400,
        scene=scenes.four_bar,
    ),
    DemoClip(
        file_name="slider-crank.mp4",
        title="スライダクランク機構 (slider-crank)",
        description="回転と往復直線運動を互いに変える。エンジンやポンプに使われる。\n"
        "Turns rotation into reciprocation and back, as in engines and pumps. Rod to crank 3 : 1.",
        categories=("slider-crank", "linkages"),
        period_ms=2000,
        scene=scenes.slider_crank,
    ),
    DemoClip(
        file_name="geneva.mp4",
        title="ゼネバ機構 (Geneva drive)",
        description="連続回転を間欠回転に変える。6 溝の従動輪は 1 回転ごとに 60 度進んで止まる。\n"
        "Continuous rotation becomes stepwise: the wheel moves on by 60 degrees a turn and is locked between.",
        categories=("intermittent",),
        period_ms=2400,
        scene=scenes.geneva,
    ),
    DemoClip(
        file_name="planetary-gear.mp4",
        title="遊星歯車機構 (planetary gear train)",
        description="太陽歯車 18 枚、遊星歯車 12 枚、内歯車 42 枚。内歯車を固定すると減速比は 3.33。\n"
        "Sun 18, planets 12, ring 42 teeth; with the ring held the carrier turns once for 3.33 turns of the sun.",
        categories=("planetary-gears", "gears"),
        period_ms=3200,
        scene=scenes.planetary_gear,
    ),
    DemoClip(
        file_name="peaucellier.gif",
        title="ポースリエの直線機構 (Peaucellier-Lipkin straight-line linkage)",
        description="1864 年に考案された、回転対偶だけで正確な直線を描く機構。\n"
        "The first planar linkage (1864) that draws an exact straight line with turning joints alone.",
        categories=("straight-line", "linkages"),
        period_ms=3200,
        scene=scenes.peaucellier,
    ),
    DemoClip(
        file_name="cam.webm",
        title="板カム機構 (disc cam with roller follower)",
        description="サイクロイド曲線で従動節を持ち上げ、上と下で休止させる。\n"
        "Lifts its follower along a cycloid and lets it dwell above and below.",
        categories=("cams",),
        period_ms=2400,
        scene=scenes.roller_cam,
    ),
    DemoClip(
        file_name="leaf-stage.webp",
        title="平行板ばねステージ (compliant parallelogram stage)",
        description="2 枚の板ばねのたわみだけで案内する、摩擦もがたもない微動ステージ。\n"
        "Guided by the bending of two leaf springs alone: no friction and no play.",
        categories=("compliant", "springs"),
        period_ms=2000,
        scene=scenes.leaf_stage,
    ),
)


def render_clips(into: Path, progress: Callable[[DemoClip], None]) -> list[tuple[DemoClip, Path]]:
    """Draws every clip into the folder `into`; the same bytes each time, with the same libraries."""
    return [(clip, render_clip(clip, into, progress)) for clip in CLIPS]


def render_clip(clip: DemoClip, into: Path, progress: Callable[[DemoClip], None]) -> Path:
    frames = [clip.scene(number / clip.frame_count) for number in range(clip.frame_count)]
    path = into / clip.file_name
    if path.suffix in (".gif", ".webp"):
        _save_pictures(frames, path)
    else:
        _save_video(frames, path)
    progress(clip)
    return path


def _save_pictures(frames: list[Image.Image], path: Path) -> None:
    first, *rest = frames
    kind = {"quality": 80, "method": 2} if path.suffix == ".webp" else {"optimize": False}
    first.save(path, save_all=True, append_images=rest, duration=1000 // RATE, loop=0, **kind)


def _save_video(frames: list[Image.Image], path: Path) -> None:
    webm = path.suffix == ".webm"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libvpx-vp9" if webm else "libx264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.options = {"crf": "30", "b": "0", "cpu-used": "5"} if webm else {"crf": "20"}
        stream.codec_context.thread_count = 1
        for number, image in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(np.asarray(image), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def contact_sheet(part: float, columns: int = 4) -> Image.Image:
    """All mechanisms side by side, at the same moment of their cycles."""
    rows = -(-len(CLIPS) // columns)
    width, height = WIDTH // 2, HEIGHT // 2
    sheet = Image.new("RGB", (columns * width, rows * height), (250, 250, 247))
    for number, clip in enumerate(CLIPS):
        small = clip.scene(part).resize((width, height), Image.Resampling.LANCZOS)
        sheet.paste(small, (number % columns * width, number // columns * height))
    return sheet


def main() -> None:
    parser = argparse.ArgumentParser(prog="mechshare.demo.clips", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", help="where the clips go")
    parser.add_argument("--sheet", type=Path, help="a picture of all of them")
    parser.add_argument("--moving-sheet", type=Path, help="the same, moving (WebP or GIF)")
    options = parser.parse_args()
    if options.folder:
        options.folder.mkdir(parents=True, exist_ok=True)
        render_clips(options.folder, lambda clip: None)
    if options.sheet:
        contact_sheet(0.15).save(options.sheet)
    if options.moving_sheet:
        first, *rest = [contact_sheet(number / 48) for number in range(48)]
        first.save(options.moving_sheet, save_all=True, append_images=rest, duration=60, loop=0, quality=60)


if __name__ == "__main__":
    main()
