"""Load by `wrk`, and what it says of it."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

_UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0}
_LATENCY = re.compile(r"^\s+(50|99)%\s+([\d.]+)(us|ms|s)$", re.MULTILINE)
_RATE = re.compile(r"^Requests/sec:\s+([\d.]+)$", re.MULTILINE)
_FAILED = re.compile(r"Non-2xx or 3xx responses: (\d+)")


@dataclass(frozen=True, slots=True)
class Load:
    """`rate` in requests/s, latencies in ms."""

    rate: float
    p50: float
    p99: float


def require_wrk() -> str:
    found = shutil.which("wrk")
    if found is None:
        raise SystemExit(
            "The benchmark puts load on with wrk: install it (Debian: apt-get install wrk) and try again."
        )
    return found


def put_load(
    url: str, *, seconds: int, connections: int, headers: dict[str, str], script: Path | None
) -> Load:
    """`connections` clients that ask as fast as they are answered. Raises RuntimeError when answers are refusals."""
    command = [require_wrk(), "-t1", f"-c{connections}", f"-d{seconds}s", "--latency"]
    for name, value in headers.items():
        command += ["-H", f"{name}: {value}"]
    if script is not None:
        command += ["-s", str(script)]
    told = subprocess.run([*command, url], check=True, capture_output=True, text=True).stdout
    failed = _FAILED.search(told)
    if failed:
        raise RuntimeError(f"{url}: {failed.group(1)} requests were refused\n{told}")
    latencies = {mark: float(value) * _UNITS[unit] for mark, value, unit in _LATENCY.findall(told)}
    rate = _RATE.search(told)
    if rate is None:
        raise RuntimeError(f"wrk said nothing that can be read:\n{told}")
    return Load(rate=float(rate.group(1)), p50=latencies["50"], p99=latencies["99"])
