"""`python -m tools.media_calls [FILE ...]`: measures which system calls decoding needs, and compares the allow-list.

It runs the child process of the media adapter under strace, as the product does but without the filter, once for each
FILE; without one, for a clip of each kind that mechshare accepts. It prints the calls between the confinement and the
end, with their numbers, the arguments of those that take commands, and how each run ended. The exit status is 1 if
`call_filter.py` forbids one of them. Run it with a new version of PyAV, Pillow, Python or the C library, then add what
is missing there. It needs strace, and ffmpeg for the kinds that PyAV does not encode.
"""

import argparse
import os
import re
import socket
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from mechshare.adapters.media.call_filter import ALLOWED
from mechshare.adapters.media.child_process import ENVIRONMENT, open_files
from mechshare.adapters.media.limits import MediaLimits
from mechshare.adapters.media.task_channel import send_task
from mechshare.adapters.media.tasks import Task
from mechshare.domain.file_types import model_format_of, type_of
from mechshare.domain.media import SNIFF_BYTES, MediaFormat, sniff

SIZE = "320x240"
KINDS = {
    "gif": ["-c:v", "gif", "made.gif"],
    "apng": ["-c:v", "apng", "-f", "apng", "made.apng"],
    "webp": ["-c:v", "libwebp_anim", "made.webp"],
    "h264": ["-c:v", "libx264", "-pix_fmt", "yuv420p", "made.mp4"],
    "h264 10 bit": ["-c:v", "libx264", "-pix_fmt", "yuv420p10le", "made.mp4"],
    "h264 first index": ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-movflags", "+faststart", "made.mp4"],
    "h264 fragments": ["-c:v", "libx264", "-movflags", "frag_keyframe+empty_moov", "made.mp4"],
    "hevc": ["-c:v", "libx265", "-x265-params", "log-level=error", "made.mov"],
    "mpeg4": ["-c:v", "mpeg4", "made.mov"],
    "mjpeg": ["-c:v", "mjpeg", "made.mov"],
    "prores": ["-c:v", "prores_ks", "made.mov"],
    "png in mov": ["-c:v", "png", "made.mov"],
    "with sound": ["-f", "lavfi", "-i", "sine=d=1", "-c:v", "libx264", "-c:a", "aac", "made.mp4"],
    "vp8": ["-c:v", "libvpx", "made.webm"],
    "vp9": ["-c:v", "libvpx-vp9", "made.webm"],
    "av1": ["-c:v", "libaom-av1", "-cpu-used", "8", "made.webm"],
    "vp8 transparent": ["-vf", "format=yuva420p", "-c:v", "libvpx", "-auto-alt-ref", "0", "made.webm"],
    "mkv": ["-c:v", "libx264", "-pix_fmt", "yuv420p", "made.mkv"],
    "avi": ["-c:v", "rawvideo", "-pix_fmt", "yuv420p", "made.avi"],
    "ts": ["-c:v", "mpeg2video", "made.ts"],
    "wmv": ["-c:v", "wmv2", "made.wmv"],
    "qtrle": ["-c:v", "qtrle", "made.mov"],
    "hdr": ["-c:v", "libx265", "-x265-params", "log-level=error:transfer=smpte2084", "made.mp4"],
    "interlaced": ["-c:v", "libx264", "-flags", "+ilme+ildct", "-x264opts", "tff=1", "made.mp4"],
}
"""How ffmpeg writes each kind of clip that mechshare accepts."""
_STARTED = "confined"
_CHILD = f"""
import os
from contextlib import suppress
from mechshare.adapters.media import child
from mechshare.adapters.media.sandbox import Confinement

def confine(limits, parent, forbidden):
    with suppress(OSError):
        os.write(-1, b"{_STARTED}")
    return Confinement(call_filter=False, landlock=0, user=0)

child.confine = confine
child.run()
"""
"""The child without its sandbox. A write that fails marks the place where the sandbox would begin."""
_CALL = re.compile(r"^(?:\d+\s+)?(\w+)\((.*)$")
_COMMANDS = {"fcntl", "ioctl", "prctl", "clone", "clone3", "mmap", "mprotect", "tgkill"}
"""Calls whose arguments decide what they do."""


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.media_calls", description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE")
    files = parser.parse_args(arguments).files
    with tempfile.TemporaryDirectory() as scratch:
        clips = {str(file): file for file in files} or _make_clips(Path(scratch))
        forbidden = Counter[str]()
        for name, clip in clips.items():
            calls, commands, outcome = _measure(clip, Path(scratch))
            forbidden.update(call for call in calls if call not in ALLOWED)
            print(f"{name}: {outcome}")
            print("   ", ", ".join(f"{call} {count}" for call, count in calls.most_common()))
            for command, count in commands.most_common():
                print(f"    {count} x {command}")
    print("forbidden:", ", ".join(sorted(forbidden)) or "none of these")
    return 1 if forbidden else 0


def _make_clips(folder: Path) -> dict[str, Path]:
    """Writes a clip of each kind; returns their paths by kind. Notes and leaves out what this ffmpeg can't write."""
    clips = {}
    for number, (kind, options) in enumerate(KINDS.items()):
        place = folder / str(number)
        place.mkdir()
        command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", f"testsrc2=s={SIZE}:d=1", *options]
        if subprocess.run(command, cwd=place, check=False).returncode == 0:
            clips[kind] = place / options[-1]
        else:
            print(f"{kind}: ffmpeg can't write it", file=sys.stderr)
    return clips


def _measure(clip: Path, scratch: Path) -> tuple[Counter[str], Counter[str], str]:
    """Returns the calls and the commands of one run by how often they were used, and its last message."""
    with clip.open("rb") as file:
        head = file.read(SNIFF_BYTES)
    model = model_format_of(type_of(head, clip.stat().st_size))
    format = sniff(head) or model or MediaFormat.GIF
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        record = Path(folder) / "strace"
        ours, theirs = socket.socketpair()
        with theirs:
            with ours, open_files(clip, Path(folder)) as files:
                send_task(ours, Task(format, MediaLimits()).message(), files)
            ended = subprocess.run(
                ["strace", "-f", "-o", str(record), sys.executable, "-I", "-c", _CHILD],
                stdin=theirs.fileno(),
                stdout=subprocess.PIPE,
                env={**os.environ, **ENVIRONMENT},
                check=False,
            )
        lines = record.read_text(errors="replace").splitlines()
    calls, commands = _counted(lines)
    return calls, commands, ended.stdout.decode().splitlines()[-1] if ended.stdout else "no message"


def _counted(lines: list[str]) -> tuple[Counter[str], Counter[str]]:
    """Returns calls and commands after the line that marks the confinement."""
    calls, commands = Counter[str](), Counter[str]()
    start = next(number for number, line in enumerate(lines) if f'"{_STARTED}"' in line)
    for match in filter(None, map(_CALL.match, lines[start + 1 :])):
        name, arguments = match.groups()
        calls[name] += 1
        if name in _COMMANDS:
            commands[f"{name}({_without_numbers(arguments)})"] += 1
    return calls, commands


def _without_numbers(arguments: str) -> str:
    """Returns the arguments with their numbers, which differ from run to run, left out."""
    return re.sub(r"\b(0x[0-9a-f]+|\d+)\b", "_", arguments.partition(") ")[0])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
