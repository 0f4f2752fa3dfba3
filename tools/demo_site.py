"""A demonstration site for programs that look at its pages."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from servers.ports import free_port

CLIPS = 8
START_TIMEOUT = 600
"""Seconds within which the demonstration has processed and published all of its clips."""


@contextmanager
def demo_site() -> Iterator[str]:
    """Starts `mechshare demo` with empty data and yields its address. Raises TimeoutError if it does not start."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "mechshare", "demo", "--port", str(port)]
        environ = {**os.environ, "MECHSHARE_DATA": folder, "MECHSHARE_REQUESTS_PER_MINUTE": "0"}
        process = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL)
        try:
            _wait_for_clips(url, process)
            yield url
        finally:
            process.terminate()
            process.wait(60)


def published(url: str) -> list[str]:
    """Returns the ids of the public mechanisms; none while the server does not listen."""
    try:
        found = httpx.get(f"{url}/api/v1/mechanisms", trust_env=False).raise_for_status()
    except (httpx.TransportError, httpx.HTTPStatusError):
        return []
    return [one["id"] for one in found.json()["items"]]


def _wait_for_clips(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline and process.poll() is None:
        if len(published(url)) >= CLIPS:
            return
        time.sleep(0.5)
    raise TimeoutError("the demonstration has not started; run `mechshare demo` to see why")
