"""The demonstration as a process."""

import socket
from pathlib import Path

from tests.cli.test_output import mechshare


def test_a_taken_port_is_named_before_a_server_starts(tmp_path: Path) -> None:
    (tmp_path / "clip.gif").write_bytes(b"GIF89a")
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        refused = mechshare("demo", "--port", port, str(tmp_path), MECHSHARE_DATA=str(tmp_path / "data"))
    assert refused.returncode == 1
    assert refused.stderr == f"Error: port {port} is taken: choose another with --port\n"
