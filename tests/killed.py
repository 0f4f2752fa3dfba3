"""`python -m tests.killed FOLDER PATTERN ARGUMENT...`: runs `mechshare ARGUMENT...` in a process that kills itself
(SIGKILL) in the middle of its work: when it opens a file after FOLDER has got one like PATTERN.

A test that kills another process may come too late on a busy machine.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

from mechshare.entrypoints.cli.main import main


def kill(folder: Path, pattern: str, *arguments: str, **environ: str) -> None:
    """Runs `mechshare ARGUMENTS` until `folder` has a file like `pattern`."""
    command = [sys.executable, "-m", "tests.killed", str(folder), pattern, *arguments]
    killed = subprocess.run(
        command, env={**os.environ, **environ}, stdout=subprocess.DEVNULL, timeout=240, check=False
    )
    assert killed.returncode == -signal.SIGKILL


def _killed_once_in(folder: Path, pattern: str) -> None:
    def end(event: str, arguments: object) -> None:
        if event == "open" and any(folder.rglob(pattern)):
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(end)


if __name__ == "__main__":
    _killed_once_in(Path(sys.argv[1]), sys.argv[2])
    sys.argv[1:] = sys.argv[3:]
    main()
