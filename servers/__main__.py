"""`python -m servers [KIND ...] [-- COMMAND ...]`: runs the servers of a distributed mechshare on this machine.

Without a command it prints the environment to export, and stops the servers at Ctrl-C. With a command it runs that with
the environment of the tests, after `--deploy` also of the product, and exits with its status.

A SIGTERM or SIGHUP ends the command and its descendants, then the servers; the exit status is 128 + its number.
"""

import os
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from types import FrameType

from servers.kinds import KINDS, environment
from servers.running import Server, ServerAbsent, ServerFailed, end_family

_STOP_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


def main(arguments: list[str]) -> int:
    cut = arguments.index("--") if "--" in arguments else len(arguments)
    kinds, command = arguments[:cut], arguments[cut + 1 :]
    prefixes = ("TEST_", "MECHSHARE_") if "--deploy" in kinds else ("TEST_",)
    kinds = [kind for kind in kinds if kind != "--deploy"]
    unknown = set(kinds) - set(KINDS)
    if unknown:
        print(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(KINDS)}", file=sys.stderr)
        return 2
    for number in _STOP_SIGNALS:
        if signal.getsignal(number) is signal.SIG_DFL:  # `nohup` has SIGHUP ignored
            signal.signal(number, _exit)
    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mechshare-servers-")))
        root.chmod(0o755)
        try:
            environ = _start(kinds or list(KINDS), root, stack)
        except (ServerAbsent, ServerFailed) as problem:
            print(problem, file=sys.stderr)
            return 1
        if command:
            wanted = {name: value for name, value in environ.items() if name.startswith(prefixes)}
            return _run(command, {**os.environ, **wanted})
        for name, value in environ.items():
            print(f"export {name}={shlex.quote(value)}")
        print("# running; Ctrl-C stops them", flush=True)
        with suppress(KeyboardInterrupt):
            signal.pause()
    return 0


def _start(kinds: list[str], root: Path, stack: ExitStack) -> dict[str, str]:
    """Starts all at once: OpenSearch takes ten seconds, and installations take longer."""
    servers = {kind: KINDS[kind](root) for kind in kinds}

    def start(server: Server) -> None:
        stack.callback(server.stop)
        server.start()

    with ThreadPoolExecutor() as threads:
        for started in [threads.submit(start, server) for server in servers.values()]:
            started.result()
    environ: dict[str, str] = {}
    for kind, server in servers.items():
        print(f"# {server.name} on 127.0.0.1:{server.port}, process {server.pid}", file=sys.stderr)
        environ |= environment(kind, server.port)
    return environ


def _run(command: Sequence[str], environ: dict[str, str]) -> int:
    """Returns the exit status of the command. An exception, as `_exit` raises, ends the command and its descendants."""
    with subprocess.Popen(command, env=environ) as process:
        try:
            return process.wait()
        finally:
            end_family(process)


def _exit(number: int, frame: FrameType | None) -> None:
    """Unwinds the program, which stops all that it started; a further signal does not interrupt that."""
    for later in _STOP_SIGNALS:
        signal.signal(later, signal.SIG_IGN)
    raise SystemExit(128 + number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
