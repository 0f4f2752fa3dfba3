"""Processing of clips by mechshare and by an equivalent ffmpeg command line: `python -m bench.processing`.

Both decode each clip once and make the same three files with the same encoders and settings, with as many clips at a
time as there are cores. Only mechshare also confines each clip to a process that may open nothing, chooses the
thumbnail by motion, reads back its files, and takes digests.
"""

import asyncio
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Column, Table

from mechshare.adapters.media.av import AvMediaProcessor
from mechshare.adapters.media.derivatives import VIDEO_ENCODER
from mechshare.adapters.media.pictures import WORKING_SIDE
from mechshare.adapters.media.preview import PREVIEW_ENCODER, PREVIEW_SECONDS, PREVIEW_SIDE, PREVIEW_STEP
from mechshare.adapters.media.thumbnail import THUMBNAIL_ENCODER, THUMBNAIL_SIDE
from mechshare.demo.clips import render_clips
from mechshare.domain.media import SNIFF_BYTES, MediaFormat, sniff

_SHARED = Path(__file__).parents[2] / "shared" / "media"
"""A folder of real clips, if present."""
_ROUNDS = 5
LONG, SHORT = 60, 5
"""Lengths in seconds of the clips whose memory is compared."""
_Process = Callable[[Path, Path], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Spent:
    """Wall-clock and processor seconds."""

    wall: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Processing:
    """The cost of clips with a total length of `seconds`; `theirs` is ffmpeg's, None without ffmpeg.

    `peaks` maps the length of a clip in seconds to its peak memory in bytes.
    """

    clips: int
    seconds: float
    cores: int
    ours: Spent
    theirs: Spent | None
    peaks: Mapping[int, int]

    @property
    def rates(self) -> list[float]:
        """Clips/min per core: mechshare's, and ffmpeg's if it was measured."""
        return [60 * self.clips / spent.wall / self.cores for spent in self._spent]

    @property
    def costs(self) -> list[float]:
        """Processor seconds per second of clip, in the same order."""
        return [spent.cpu / self.seconds for spent in self._spent]

    @property
    def _spent(self) -> list[Spent]:
        return [spent for spent in (self.ours, self.theirs) if spent is not None]


def measure_processing() -> Processing:
    """Returns the best of several rounds, in which mechshare and ffmpeg take turns."""
    has_ffmpeg = shutil.which("ffmpeg") is not None
    with tempfile.TemporaryDirectory(prefix="mechshare-bench-") as name:
        folder = Path(name)
        clips = _clips(folder)
        ours, theirs = _measured([_ours, _ffmpeg] if has_ffmpeg else [_ours], clips, folder)
        return Processing(
            len(clips),
            asyncio.run(_lengths(clips, folder)),
            os.cpu_count() or 1,
            ours,
            theirs,
            {length: _peak(_lengthened(clips, length, folder)) for length in (SHORT, LONG) if has_ffmpeg},
        )


def print_processing(console: Console, made: Processing) -> None:
    title = f"{made.clips} clips, of {made.seconds:.0f} s together"
    table = Table("", *(Column(name, justify="right") for name in ("mechshare", "ffmpeg")), title=title)
    table.add_row("clips/min for each core", *(f"{rate:.0f}" for rate in made.rates))
    table.add_row("processor seconds for a clip's second", *(f"{cost:.3f}" for cost in made.costs))
    for length, most in made.peaks.items():
        table.add_row(f"memory at its most for {length} s, MiB", f"{most / 1024 / 1024:.0f}")
    console.print(table)


def _clips(folder: Path) -> list[Path]:
    """Returns real clips and those of the demonstration, except animated WebP, which FFmpeg can't read."""
    made = folder / "clips"
    made.mkdir()
    drawn = [path for _, path in render_clips(made) if path.suffix != ".webp"]
    return [*sorted(_SHARED.glob("*.gif")), *drawn]


def _measured(ways: Sequence[_Process], clips: Sequence[Path], folder: Path) -> tuple[Spent, Spent | None]:
    spent: list[list[Spent]] = [[] for _ in ways]
    for _ in range(_ROUNDS):
        for turns, way in zip(spent, ways, strict=True):
            turns.append(asyncio.run(_spent(way, clips, folder)))
    # The minimum, because disturbances only add time.
    found = [Spent(min(turn.wall for turn in turns), min(turn.cpu for turn in turns)) for turns in spent]
    return found[0], found[1] if len(found) > 1 else None


async def _spent(way: _Process, clips: Sequence[Path], folder: Path) -> Spent:
    """Processes all clips once, as many at a time as there are cores."""
    cores = asyncio.Semaphore(os.cpu_count() or 1)

    async def one(clip: Path) -> None:
        async with cores:
            with tempfile.TemporaryDirectory(dir=folder) as into:
                await way(clip, Path(into))

    started, cpu = time.monotonic(), _cpu()
    await asyncio.gather(*map(one, clips))
    return Spent(time.monotonic() - started, _cpu() - cpu)


def _cpu() -> float:
    """Returns the processor seconds of this process and of its ended children."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


async def _ours(clip: Path, into: Path) -> None:
    await AvMediaProcessor().process(clip, _format_of(clip), into, _nobody)


async def _nobody(step: str, fraction: float) -> None:
    """Ignores progress."""


async def _ffmpeg(clip: Path, into: Path) -> None:
    process = await asyncio.create_subprocess_exec(*_command(clip, into))
    if await process.wait():
        raise RuntimeError(f"ffmpeg can't process {clip}")


def _command(clip: Path, into: Path) -> list[str]:
    """Returns one ffmpeg command that decodes once. The thumbnail is chosen by ffmpeg's filter from the first
    frames."""

    def within(side: int) -> str:
        return f"scale=w='min({side},iw)':h='min({side},ih)':force_original_aspect_ratio=decrease"

    graph = (
        f"[0:v]{within(WORKING_SIDE)},split=3[a][b][c];"
        "[a]scale=trunc(iw/2)*2:trunc(ih/2)*2,format=yuv420p[video];"
        f"[b]thumbnail,{within(THUMBNAIL_SIDE)}[thumbnail];"
        f"[c]trim=duration={PREVIEW_SECONDS},fps={1 / PREVIEW_STEP},{within(PREVIEW_SIDE)}[preview]"
    )
    command = ["ffmpeg", "-v", "error", "-nostdin", "-y", "-threads", "1", "-filter_threads", "1"]
    command += ["-filter_complex_threads", "1", "-i", str(clip), "-filter_complex", graph]
    command += ["-map", "[video]", "-c:v", "libx264"]
    command += [word for name, value in VIDEO_ENCODER.items() for word in (f"-{name}", value)]
    command += ["-threads", "1", "-movflags", "+faststart", str(into / "video.mp4")]
    command += ["-map", "[thumbnail]", "-frames:v", "1", "-c:v", "libwebp", *_webp(THUMBNAIL_ENCODER)]
    command += [str(into / "thumbnail.webp"), "-map", "[preview]", "-c:v", "libwebp_anim"]
    return [*command, *_webp(PREVIEW_ENCODER), "-loop", "0", str(into / "preview.webp")]


def _webp(encoder: Mapping[str, Any]) -> list[str]:
    """Returns the settings of Pillow's encoder as ffmpeg options."""
    return ["-quality", str(encoder["quality"]), "-compression_level", str(encoder["method"])]


async def _lengths(clips: Sequence[Path], folder: Path) -> float:
    """Returns the total length of the clips in seconds."""
    total = 0.0
    for clip in clips:
        with tempfile.TemporaryDirectory(dir=folder) as into:
            made = await AvMediaProcessor().process(clip, _format_of(clip), Path(into), _nobody)
            total += (made.facts.duration_ms or 0) / 1000
    return total


def _lengthened(clips: Sequence[Path], seconds: int, folder: Path) -> Path:
    """Makes a clip of `seconds` by repeating another."""
    film = next(clip for clip in clips if clip.suffix == ".mp4")
    path = folder / f"{seconds}.mp4"
    command = [
        "ffmpeg",
        "-v",
        "error",
        "-y",
        "-stream_loop",
        "-1",
        "-i",
        str(film),
        "-t",
        str(seconds),
        "-c",
        "copy",
    ]
    subprocess.run([*command, str(path)], check=True)
    return path


def _peak(clip: Path) -> int:
    """Returns the peak memory of the process that handles the clip, in bytes."""
    code = f"from bench.processing import peak; peak({str(clip)!r})"
    printed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return int(printed.stdout)


def peak(clip: str) -> None:
    """Prints the peak memory of its largest child; runs in a process of its own."""
    with tempfile.TemporaryDirectory() as into:
        asyncio.run(_ours(Path(clip), Path(into)))
    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)


def _format_of(clip: Path) -> MediaFormat:
    with clip.open("rb") as file:
        found = sniff(file.read(SNIFF_BYTES))
    if found is None:
        raise ValueError(f"{clip} is no clip")
    return found


if __name__ == "__main__":
    print_processing(Console(), measure_processing())
