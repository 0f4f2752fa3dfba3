"""What ffprobe from another release of FFmpeg, as a second opinion, reports about a file."""

import json
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest


def needs_ffprobe() -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which("ffprobe") is None, reason="ffprobe is not installed")


def probe(path: Path, *entries: str) -> Any:
    command = ["ffprobe", "-v", "error", "-count_frames", "-select_streams", "v:0", "-of", "json"]
    result = subprocess.run(
        [*command, "-show_entries", ":".join(entries), str(path)], check=True, capture_output=True
    )
    return json.loads(result.stdout)


def duration_ms(path: Path) -> int:
    """Returns the duration of the video track, else of the file, else the end of the last packet.

    For GIF it is always the end of the last packet: ffprobe's duration adds delays that it does not apply.
    """
    result = probe(path, "stream=duration", "format=duration", "packet=pts_time,duration_time")
    stated = result["streams"][0].get("duration") or result["format"].get("duration")
    if stated is None or path.suffix == ".gif":
        first, last = result["packets"][0], result["packets"][-1]
        return round(
            (Fraction(last["pts_time"]) + Fraction(last["duration_time"]) - Fraction(first["pts_time"]))
            * 1000
        )
    return round(Fraction(stated) * 1000)


def frame_count(path: Path) -> int:
    return int(probe(path, "stream=nb_read_frames")["streams"][0]["nb_read_frames"])


def times_ms(path: Path) -> list[int]:
    """Returns when each frame is shown."""
    frames = probe(path, "frame=pts_time")["frames"]
    return [round(Fraction(frame["pts_time"]) * 1000) for frame in frames]
