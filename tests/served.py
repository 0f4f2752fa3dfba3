"""A server process of its own, for tests that talk to it as a user's program does."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from servers.ports import free_port

START_TIMEOUT = 300


@contextmanager
def served(folder: Path, **settings: str) -> Iterator[str]:
    """Starts `mechshare serve` with its data in `folder` and yields its address. `settings` by their names.

    Raises TimeoutError, with the end of the log, if the server is not ready within five minutes.
    """
    port = free_port()
    url, log = f"http://127.0.0.1:{port}", folder / "serve.log"
    command = [sys.executable, "-m", "mechshare", "serve", "--port", str(port), "--workers", "1"]
    with log.open("wb") as output:
        environ = environment_of(folder) | settings
        process = subprocess.Popen(command, env=environ, stdout=output, stderr=output)
    try:
        _wait_until_ready(url, process, log)
        yield url
    finally:
        process.terminate()
        process.wait(240)


def environment_of(folder: Path) -> dict[str, str]:
    """Returns this process's environment without settings of mechshare."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MECHSHARE_")}
    return inherited | {"MECHSHARE_DATA": str(folder / "data"), "PYTHONUNBUFFERED": "1"}


def _wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{url}/health/ready", trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            pass  # the server does not listen yet
        time.sleep(0.1)
    raise TimeoutError(f"the server is not ready: {log.read_text()[-2000:]}")
