"""`python -m servers` leaves nothing running, however it is ended."""

import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from servers.running import Server, own_folder, runs

from tests.documents import ROOT

PROGRAM = """
import sys
from servers import __main__ as program
from servers.running import Server, own_folder

def sleeper(root):
    return Server("Sleeper", own_folder(root, "sleeper"), lambda port: ["sleep", "300"], lambda port: True)

program.KINDS = {"redis": sleeper}
sys.exit(program.main(sys.argv[1:]))
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_command_with_its_descendants_and_then_the_servers(number: signal.Signals) -> None:
    descendant = "import os, time; print(os.getpid(), flush=True); time.sleep(300)"
    command = ["sh", "-c", f"{sys.executable} -c '{descendant}'; true"]
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "--", *command],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as program:
        assert program.stdout is not None
        started = int(program.stdout.readline())
        program.send_signal(number)
        _, messages = program.communicate(timeout=60)
    [server] = map(int, re.findall(r"process (\d+)", messages))
    assert program.returncode == 128 + number
    assert not runs(started)
    assert not runs(server)


def test_the_status_of_the_command_is_that_of_the_program() -> None:
    program = [sys.executable, "-c", PROGRAM, "--", "sh", "-c", "exit 7"]
    assert subprocess.run(program, cwd=ROOT, timeout=60, check=False).returncode == 7


def test_a_server_ends_with_what_its_program_has_started() -> None:
    with tempfile.TemporaryDirectory() as root:
        Path(root).chmod(0o755)
        written = Path(root) / "wrapped" / "server.log"
        server = Server(
            "Wrapped",
            own_folder(Path(root), "wrapped"),
            lambda port: ["sh", "-c", "sleep 300 & echo $!; wait"],
            lambda port: written.read_text().endswith("\n"),
        )
        server.start()
        started = int(server.log())
        server.stop()
    assert not runs(started)
