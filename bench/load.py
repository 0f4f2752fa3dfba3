"""Load by `wrk`, and what it says of it."""

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

CONNECTIONS = 64
_TIMEOUT = 20
"""Seconds for what answers nobody in less: some designs take seconds for one request among a million rows."""
_SCRIPT = Path(__file__).with_name("load.lua")
_TOLD = re.compile(r"^told (\d+) (\d+) (\d+) (\d+) (\d+) (\d+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Load:
    """`requests` that were answered in `seconds`; of the times that they took, the median and 99th percentile in ms."""

    requests: int
    seconds: float
    p50: float
    p99: float

    @property
    def rate(self) -> float:
        """Requests/s."""
        return self.requests / self.seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """What is asked for, one after the other: paths, or with `are_bodies` the bodies for one path."""

    lines: Sequence[str]
    are_bodies: bool = False
    once: bool = False
    """Whether the load ends where the lines do, instead of beginning with them again."""


class Unanswered(RuntimeError):
    """It is so slow that nothing can be measured."""


def require_wrk() -> str:
    found = shutil.which("wrk")
    if found is None:
        raise SystemExit(
            "The benchmark puts load on with wrk: install it (Debian: apt-get install wrk) and try again."
        )
    return found


def put_load(
    url: str,
    folder: Path,
    *,
    seconds: int,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    lines: Lines | None = None,
    body: bytes = b"",
    unwanted: str = "",
    pause: float = 0.0,
) -> Load:
    """CONNECTIONS clients that ask, for `seconds` at most, each as soon as it was answered and has paused.

    `body` is sent with each request. An answer that holds what is `unwanted` counts as refused. `pause` is the mean of
    exponential pauses in ms. `folder` is for files. Raises RuntimeError when anything that was asked was refused,
    Unanswered when anything was lost, or nothing answered for long.
    """
    file = ""
    if lines is not None:
        path = folder / "asked"
        path.write_text("\n".join(lines.lines))
        file = str(path)
    if body:
        path = folder / "body"
        path.write_bytes(body)
        file = str(path)
    kind = "body" if body else "bodies" if lines is not None and lines.are_bodies else "paths"
    repeats = "once" if lines is not None and lines.once else "again"
    named = [word for name, value in (headers or {}).items() for word in ("-H", f"{name}: {value}")]
    asked = [*named, url, "--", method, file, kind, repeats, f"{pause:.3f}", "1", unwanted]
    for duration in dict.fromkeys((seconds, max(seconds, _TIMEOUT))):
        requests, microseconds, p50, p99, refused, lost = _told(duration, asked)
        if refused:
            raise RuntimeError(f"{url}: of {requests} requests {refused} were refused")
        if lost:
            raise Unanswered(f"{url}: {lost} of {requests + lost} requests were not answered")
        if requests:
            return Load(requests, microseconds / 1e6, p50 / 1000, p99 / 1000)
    raise Unanswered(f"{url}: nobody is answered within {_TIMEOUT} s")


def _told(seconds: int, asked: Sequence[str]) -> Iterator[int]:
    limits = ["-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", f"{_TIMEOUT}s"]
    command = [require_wrk(), *limits, "-s", str(_SCRIPT), *asked]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = _TOLD.search(told)
    if found is None:
        raise RuntimeError(f"wrk said nothing that can be read:\n{told}")
    return map(int, found.groups())
