"""The demonstration as a process."""

import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from servers.ports import free_port

from tests.cli.test_output import mechshare
from tests.served import environment_of

pytestmark = pytest.mark.timeout(900)


def test_a_taken_port_is_named_before_a_server_starts(tmp_path: Path) -> None:
    (tmp_path / "clip.gif").write_bytes(b"GIF89a")
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        refused = mechshare("demo", "--port", port, str(tmp_path), MECHSHARE_DATA=str(tmp_path / "data"))
    assert refused.returncode == 1
    assert refused.stderr == f"Error: port {port} is taken: choose another with --port\n"


def test_sigterm_stops_the_server_too(clips: Path, tmp_path: Path) -> None:
    address = f"http://127.0.0.1:{(port := free_port())}"
    command = [sys.executable, "-m", "mechshare", "demo", str(clips), "--port", str(port)]
    environ = environment_of(tmp_path) | {"MECHSHARE_WORKERS": "1"}
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert any("sharing as" in line for line in process.stdout)
        assert httpx.get(f"{address}/health/live", trust_env=False, timeout=60).is_success
        process.terminate()
        process.wait(240)
    with pytest.raises(httpx.ConnectError):
        httpx.get(address, trust_env=False, timeout=60)
