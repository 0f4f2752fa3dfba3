"""Measures the service of another user while a server is attacked."""

import asyncio
import json
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tests.attacks.server import AttackedServer, new_address

BASELINE_SECONDS = 3.0
END_TIMEOUT = 120.0
ALWAYS = ("/health/live", "/api/v1/mechanisms?limit={number}", "/api/v1/search/mechanisms?q=linkage{number}")


@dataclass
class Probe:
    """The other user's results, complete at the end of `watched`; durations in seconds."""

    baseline: float = 0.0
    p99: float = 0.0
    requests: int = 0
    failures: Counter[str] | None = None


@asynccontextmanager
async def watched(
    server: AttackedServer, figure: Callable[[str], None], paths: Sequence[str] = ()
) -> AsyncIterator[Probe]:
    """During the context, another user reads `paths` and the pages that visitors usually read, ten requests a second.

    At its end asserts that no request failed, and prints the 99th percentile beside that of the undisturbed server a
    moment before.
    """
    paths = [*ALWAYS, *paths]
    before = await _end(_start(server, paths), BASELINE_SECONDS)
    probe, process = Probe(), _start(server, paths)
    try:
        yield probe
    finally:
        during = await _end(process)
    probe.baseline, probe.p99, probe.requests = _p99(before), _p99(during), len(during)
    probe.failures = Counter(f"{status} {path}" for path, status, _ in during if status != "200")
    figure(
        f"another user: {probe.requests} requests, {probe.failures.total()} failed; "
        f"p99 {probe.p99 * 1000:.0f} ms, {probe.baseline * 1000:.0f} ms undisturbed"
    )
    assert probe.requests > 0
    assert probe.failures == Counter()


def _start(server: AttackedServer, paths: Sequence[str]) -> subprocess.Popen[bytes]:
    """Starts the other user and returns once it is ready."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.attacks.other_user", str(server.port), new_address(), *paths],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


async def _end(process: subprocess.Popen[bytes], seconds: float = 0.0) -> list[tuple[str, str, float]]:
    """Returns the results after further `seconds`."""
    await asyncio.sleep(seconds)
    written, _ = await asyncio.to_thread(process.communicate, b"", END_TIMEOUT)
    return [(path, status, duration) for path, status, duration in json.loads(written)]


def _p99(results: Sequence[tuple[str, str, float]]) -> float:
    durations = sorted(duration for _, _, duration in results)
    return durations[int(len(durations) * 0.99)] if durations else 0.0
