"""A server of one worker process on 127.0.0.1, with its memory and processor time."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from servers.ports import free_port

from bench.http import request

ROOT = Path(__file__).parent.parent
_START_TIMEOUT = 180.0
_POLL_INTERVAL = 0.1
"""Seconds."""
_IDLE = 0.2
"""Share of processor time below which a server counts as idle, given the resolution of the system's clock."""
_PSS = re.compile(r"^Pss:\s+(\d+) kB", re.MULTILINE)


class ServerProcess:
    """Runs `command` with `--port N` appended. `ready` is the path that gets any response once the server is up."""

    def __init__(
        self, name: str, command: Sequence[str], environ: Mapping[str, str], log: Path, ready: str = "/"
    ) -> None:
        self.name = name
        self.address = ""
        self.up_after = 0.0
        """Seconds from start to first response."""
        self._command = command
        self._environ = environ
        self._log = log
        self._ready = ready
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts the server and returns once it responds. Raises RuntimeError with its output if it does not."""
        port = free_port()
        self.address = f"http://127.0.0.1:{port}"
        begun = time.monotonic()
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                [*self._command, "--port", str(port)],
                env={**os.environ, **self._environ},
                cwd=ROOT,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        while not self._responds():
            if self._process.poll() is not None or time.monotonic() - begun > _START_TIMEOUT:
                self.stop()
                found = self._log.read_text(errors="replace")[-4000:]
                raise RuntimeError(f"{self.name} did not start:\n{found}")
            time.sleep(0.01)
        self.up_after = time.monotonic() - begun

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def memory(self) -> int:
        """Returns the memory of its largest worker in bytes, including its share of shared memory (PSS)."""
        if self._process is None:
            raise RuntimeError(f"{self.name} is not up")
        return max(map(_pss, _children(self._process.pid)), default=0)

    def cpu(self) -> float:
        """Returns the processor seconds used so far, including its worker."""
        if self._process is None:
            raise RuntimeError(f"{self.name} is not up")
        return sum(map(_cpu, [self._process.pid, *_children(self._process.pid)]))

    def settle(self) -> None:
        """Returns once the server is idle, also with the requests of disconnected clients."""
        done = -1.0
        while (now := self.cpu()) - done > _IDLE * _POLL_INTERVAL:
            done = now
            time.sleep(_POLL_INTERVAL)

    def _responds(self) -> bool:
        try:
            request(self.address, self._ready)
        except OSError:
            return False
        return True


def granian(target: str) -> list[str]:
    """Returns the command that runs a factory of an ASGI application in mechshare's server, granian."""
    command = [sys.executable, "-m", "granian", "--interface", "asgi", "--loop", "uvloop", "--workers", "1"]
    return [*command, "--backlog", "1024", "--no-ws", "--log-level", "warning", "--factory", target]


def mechshare() -> list[str]:
    return [sys.executable, "-m", "mechshare", "serve", "--workers", "1"]


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


def _pss(pid: int) -> int:
    found = _PSS.search(Path(f"/proc/{pid}/smaps_rollup").read_text())
    return int(found[1]) * 1024 if found else 0


def _cpu(pid: int) -> float:
    found = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(found[11]) + int(found[12])) / os.sysconf("SC_CLK_TCK")
