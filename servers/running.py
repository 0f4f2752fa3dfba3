"""A server on 127.0.0.1, stopped by its process id."""

import contextlib
import os
import signal
import socket
import subprocess
import time
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from servers.ports import free_port

VERSIONS: Mapping[str, str] = tomllib.loads((Path(__file__).parent / "versions.toml").read_text())
USER, GROUP = ("nobody", "nogroup") if os.geteuid() == 0 else (None, None)
"""The user that a server runs as: nobody if this is root, which some servers refuse."""
STOP_TIMEOUT = 20.0
"""Seconds after which what was asked to end is killed."""
START_TIMEOUT = 600.0
"""Seconds within which a server must be ready. OpenSearch takes ten on an idle machine, and minutes on a busy one."""


class ServerAbsent(Exception):
    """The program of a server is missing; the message says how to get it."""


class ServerFailed(Exception):
    """A server did not start; the message has the end of its output."""


class Server:
    """`start` returns once `is_ready` returns True; the port stays the same over stops and starts.

    The server runs as USER, who must own its folder.
    """

    def __init__(
        self,
        name: str,
        folder: Path,
        command: Callable[[int], Sequence[str]],
        is_ready: Callable[[int], bool],
        environ: Mapping[str, str] | None = None,
        *,
        stop_with: signal.Signals = signal.SIGTERM,
    ) -> None:
        self.name = name
        self.port = free_port()
        self._folder = folder
        self._log = folder / "server.log"
        self._command = command
        self._is_ready = is_ready
        self._environ = {**os.environ, "HOME": str(folder), **(environ or {})}
        self._stop_with = stop_with
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        if self._process is None:
            raise RuntimeError(f"{self.name} was not started")
        return self._process.pid

    def log(self) -> str:
        """Returns the output of all runs so far."""
        return self._log.read_text(errors="replace")

    def start(self) -> None:
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                self._command(self.port),
                cwd=self._folder,
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=USER,
                group=GROUP,
            )
        ends = time.monotonic() + START_TIMEOUT
        while not self._is_ready(self.port):
            if self._process.poll() is not None or time.monotonic() > ends:
                self.stop()
                raise ServerFailed(f"{self.name} did not start:\n{self.log()[-4000:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Stops the server, or kills it if it does not end within STOP_TIMEOUT."""
        if self._process is None:
            return
        self.signal(signal.SIGCONT)
        family = _family(self._process.pid)
        self._process.send_signal(self._stop_with)
        try:
            self._process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self.kill()
        _end_each(family)  # the program of Node.js from PyPI ends without the one that it has started
        self._process = None

    def kill(self) -> None:
        """Kills the server as at a power cut; all its processes have ended when this returns.

        PostgreSQL does not start again while a process of its earlier run still holds the shared memory.
        """
        if self._process is None:
            return
        self.signal(signal.SIGSTOP)
        family = _family(self._process.pid)
        self.signal(signal.SIGKILL)
        self._process.wait()
        while any(runs(member) for member in family):
            time.sleep(0.01)
        self._process = None  # another process may have its id when the server is stopped later

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal to the server and all its descendants."""
        if self._process is not None and self._process.poll() is None:
            _signal_each(_family(self._process.pid), number)


def end_family(process: subprocess.Popen[bytes]) -> None:
    """Ends a process and its descendants, if it runs; kills those that a SIGTERM does not end within STOP_TIMEOUT."""
    if process.poll() is not None:
        return
    _end_each(_family(process.pid))
    process.wait()


def _end_each(pids: Sequence[int]) -> None:
    """Ends those of these processes that run; kills those that a SIGTERM does not end within STOP_TIMEOUT."""
    running = [pid for pid in pids if runs(pid)]
    _signal_each(running, signal.SIGTERM)
    ends = time.monotonic() + STOP_TIMEOUT
    while any(map(runs, running)) and time.monotonic() < ends:
        time.sleep(0.05)
    _signal_each(filter(runs, running), signal.SIGKILL)


def _signal_each(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _family(pid: int) -> list[int]:
    """Returns the process and its descendants, itself first: PostgreSQL gives each of its processes a group of its
    own."""
    family = [pid]
    for member in family:
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{member}/task").iterdir():
                family += map(int, (task / "children").read_text().split())
    return family


def runs(pid: int) -> bool:
    """Returns whether a process runs; False for a zombie, which holds no resources."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def responds(port: int, say: bytes, reply: bytes) -> bool:
    """Returns whether a server on `port` responds to `say` with data that begins with `reply`."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(say)
            return connection.recv(len(reply)) == reply
    except OSError:
        return False


def own_folder(root: Path, name: str) -> Path:
    """Creates a folder that the servers' user owns."""
    folder = root / name
    folder.mkdir()
    hand_over(folder)
    return folder


def hand_over(path: Path) -> None:
    """Makes the servers' user the owner of `path` and its content."""
    if USER:
        subprocess.run(["chown", "-R", f"{USER}:{GROUP}", str(path)], check=True)
