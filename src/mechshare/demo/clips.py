"""The clips of the demonstration: linkages, gears, cams and springs, computed and drawn by mechshare."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import av
from PIL import Image, ImageOps

from mechshare.demo import scenes
from mechshare.demo.drawing import HEIGHT, PAPER, WIDTH
from mechshare.demo.encoding import save_clip, save_webp
from mechshare.demo.scenes import Scene

RATE = 25
"""Frames per second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoClip:
    """One cycle of a mechanism, `period_ms` long; the last frame leads to the first."""

    file_name: str
    title: str
    description: str
    categories: tuple[str, ...]
    period_ms: int
    scene: Scene

    @property
    def frame_count(self) -> int:
        return self.period_ms * RATE // 1000

    def frames(self) -> list[Image.Image]:
        return [self.scene.picture(number / self.frame_count) for number in range(self.frame_count)]


CLIPS = (
    DemoClip(
        file_name="four-bar.mp4",
        title="四節リンク機構 (four-bar linkage)",
        description="クランクの連続回転をロッカーの揺動に変える、てこクランク機構。"
        "赤い線は中間節(カプラー)上の点が描くカプラー曲線。ワイパーや歩行機構に使われる。\n"
        "A crank-rocker: the crank turns all round, the rocker swings, and a point of the coupler draws its curve. "
        "Crank 1.35, coupler 3.7, rocker 2.7, ground 4. Used in wipers and walking machines.",
        categories=("four-bar", "linkages"),
        period_ms=2800,
        scene=scenes.FOUR_BAR,
    ),
    DemoClip(
        file_name="slider-crank.mp4",
        title="スライダ・クランク機構 (offset slider-crank)",
        description="回転と往復直線運動を互いに変換する。オフセットがあるので行きと戻りの時間が少し違う(早戻り)。"
        "エンジン、ポンプ、プレス機に使われる。\n"
        "Turns rotation into reciprocation and back, as in engines, pumps and presses. "
        "The slider's line passes 0.3 below the shaft, so that the two strokes of 2.01 take unequal times. "
        "Crank 1, rod 3.4.",
        categories=("slider-crank", "linkages"),
        period_ms=2400,
        scene=scenes.SLIDER_CRANK,
    ),
    DemoClip(
        file_name="geneva.mp4",
        title="ゼネバ機構 (Geneva drive)",
        description="連続回転を間欠回転に変える。6 溝の従動輪は原動節 1 回転ごとに 60 度進み、残りの 3 分の 2 回転は"
        "ロック円弧で止められる。映写機のフィルム送りや割り出し台に使われる。\n"
        "Continuous rotation becomes stepwise. The six-slot wheel moves on by 60 degrees during a third of each turn "
        "and is held by the locking arc for the rest. Used in film projectors and indexing tables.",
        categories=("intermittent",),
        period_ms=2800,
        scene=scenes.GENEVA,
    ),
    DemoClip(
        file_name="planetary-gear.mp4",
        title="遊星歯車機構 (planetary gear train)",
        description="太陽歯車 18 枚、遊星歯車 12 枚 3 個、内歯車 42 枚。内歯車を固定して太陽歯車を回すと、"
        "キャリアは減速比 3.33 で同じ向きに回る。自動変速機や減速機に使われる。\n"
        "Sun 18, three planets of 12, ring 42 teeth (18 + 2 x 12 = 42). With the ring held, the carrier turns once "
        "for 3.33 turns of the sun, the same way. Used in gearboxes and reducers.",
        categories=("planetary-gears", "gears"),
        period_ms=4000,
        scene=scenes.PLANETARY_GEAR,
    ),
    DemoClip(
        file_name="peaucellier.gif",
        title="ポースリエ・リプキンの直線運動機構 (Peaucellier-Lipkin straight-line linkage)",
        description="円運動を反転して正確な直線運動に変える、回り対偶だけの平面リンク機構。"
        "1864 年にポースリエが、1871 年にリプキンが独立に発明した。\n"
        "Inverts a circle into an exact straight line with turning joints only: the first planar linkage to do so "
        "(Peaucellier 1864, Lipkin 1871). Arms 5, rhombus 3.4, crank 1.5.",
        categories=("straight-line", "linkages"),
        period_ms=3200,
        scene=scenes.PEAUCELLIER,
    ),
    DemoClip(
        file_name="chebyshev-lambda.mp4",
        title="チェビシェフの近似直線機構 (Chebyshev lambda linkage)",
        description="四節リンクの中間節の先端が、クランク半回転のあいだほぼ直線上を動き"
        "(長さ 4 に対してずれは 0.01)、弧を描いて戻る。歩行機械の脚に使われる。\n"
        "A four-bar whose coupler end keeps within 0.01 of a straight line of length 4 for half a turn of the crank, "
        "and returns in an arc: the step of a walking machine. Crank 1, ground 2, rocker 2.5, coupler 2.5 + 2.5.",
        categories=("straight-line", "four-bar"),
        period_ms=3200,
        scene=scenes.CHEBYSHEV_LAMBDA,
    ),
    DemoClip(
        file_name="cam.webm",
        title="板カム機構 (disc cam with roller follower)",
        description="板カムがローラ従動節をサイクロイド曲線で上げ下げし、上と下で停留させる"
        "(上昇 120 度、停留 60 度、下降 120 度、停留 60 度)。ばねが従動節をカムに押しつける。\n"
        "A disc cam lifts its roller follower along a cycloid, lets it dwell, lowers it and lets it dwell again: "
        "120, 60, 120 and 60 degrees. A spring keeps the roller on the cam, as in engine valves.",
        categories=("cams",),
        period_ms=3200,
        scene=scenes.ROLLER_CAM,
    ),
    DemoClip(
        file_name="leaf-stage.webp",
        title="平行板ばねステージ (compliant parallelogram)",
        description="2 枚の板ばねのたわみだけで案内するステージ。摩擦もがたもなく、傾かずに動くが、"
        "変位の 2 乗に比例してわずかに沈む。精密位置決めに使われる。\n"
        "A stage guided only by the bending of two parallel leaf springs: no friction, no play, no rotation. "
        "It sinks by 3/5 of travel squared over length. Used for fine positioning.",
        categories=("compliant", "parallel-linkages", "springs"),
        period_ms=2400,
        scene=scenes.LEAF_STAGE,
    ),
)


def _nobody(_: DemoClip) -> None:
    """Ignores progress."""


def render_clips(into: Path, progress: Callable[[DemoClip], None] = _nobody) -> list[tuple[DemoClip, Path]]:
    """Draws every clip into the folder `into`, in the order of CLIPS, and calls `progress` after each.

    The same libraries give the same bytes each time. Raises OSError where `into` can't be written.
    """
    rendered = []
    for clip in CLIPS:
        path = into / clip.file_name
        save_clip(clip.frames(), RATE, path)
        progress(clip)
        rendered.append((clip, path))
    return rendered


def altered_copy(clip: Path, path: Path) -> None:
    """Writes a copy of a video of render_clips to `path`: mirrored, in the opposite colours, and slower by a quarter.

    Raises OSError, av.FFmpegError.
    """
    with av.open(str(clip)) as container:
        pictures: list[Image.Image] = [
            frame.to_image()  # type: ignore[no-untyped-call]
            for frame in container.decode(video=0)
        ]
    save_clip([ImageOps.invert(ImageOps.mirror(picture)) for picture in pictures], RATE * 4 // 5, path)


def contact_sheet(part: float, shrunk: int, columns: int = 4) -> Image.Image:
    """All mechanisms side by side at `part` (0 to 1) of their cycles, each `shrunk` times smaller than its clip."""
    width, height = WIDTH // shrunk, HEIGHT // shrunk
    rows = -(-len(CLIPS) // columns)
    sheet = Image.new("RGB", (columns * width, rows * height), PAPER)
    for number, clip in enumerate(CLIPS):
        place = (number % columns * width, number // columns * height)
        sheet.paste(clip.scene.thumbnail(part, shrunk), place)
    return sheet


def moving_sheet(path: Path) -> None:
    """Writes the contact sheet in motion, as an animated WebP: every mechanism completes its cycle in 3 s."""
    frames = [contact_sheet(number / 60, shrunk=2) for number in range(60)]
    save_webp(frames, 20, path, quality=60)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m mechshare.demo.clips", description=__doc__)
    parser.add_argument(
        "folder", type=Path, nargs="?", metavar="OUT_DIR", help="draw all clips into this folder"
    )
    parser.add_argument("--sheet", type=Path, metavar="FILE.png", help="a picture of all of them")
    parser.add_argument("--animated", type=Path, metavar="FILE.webp", help="the same in motion")
    options = parser.parse_args(arguments)
    if not any(vars(options).values()):
        parser.error("name OUT_DIR, --sheet or --animated")
    if options.folder:
        options.folder.mkdir(parents=True, exist_ok=True)
        render_clips(options.folder)
    if options.sheet:
        contact_sheet(0.18, shrunk=2).save(options.sheet, optimize=True)
    if options.animated:
        moving_sheet(options.animated)


if __name__ == "__main__":
    main()
