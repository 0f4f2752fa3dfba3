"""`python -m servers [KIND ...] [-- COMMAND ...]`: runs the servers of a distributed mechshare on this machine.

Without a command it prints the environment to export, and stops the servers at Ctrl-C. With a command it runs that with
the environment of the tests, after `--deploy` also of the product, and exits with its status.
"""

import os
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from servers.kinds import KINDS, environment
from servers.running import Server, ServerAbsent, ServerFailed


def main(arguments: list[str]) -> int:
    cut = arguments.index("--") if "--" in arguments else len(arguments)
    kinds, command = arguments[:cut], arguments[cut + 1 :]
    prefixes = ("TEST_", "MECHSHARE_") if "--deploy" in kinds else ("TEST_",)
    kinds = [kind for kind in kinds if kind != "--deploy"]
    unknown = set(kinds) - set(KINDS)
    if unknown:
        print(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(KINDS)}", file=sys.stderr)
        return 2
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
            return subprocess.run(command, check=False, env={**os.environ, **wanted}).returncode
        for name, value in environ.items():
            print(f"export {name}={shlex.quote(value)}")
        print("# running; Ctrl-C stops them", flush=True)
        _wait()
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


def _wait() -> None:
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    stopped.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
