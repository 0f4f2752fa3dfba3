"""How a child process gets its task: one line of JSON and, with it, the open files, through a Unix socket.

The child gets descriptors and no paths, so it needs no rights in the file system.
"""

import json
import socket
from collections.abc import Mapping
from typing import Any

_MAX_FILES = 32
_MAX_PIECE_BYTES = 64 * 1024


def send_task(channel: socket.socket, task: Mapping[str, Any], files: Mapping[str, int]) -> None:
    """Sends `task` and the descriptors `files`, by their roles. The sender may close them at once. Raises OSError."""
    line = json.dumps({**task, "files": list(files)}).encode() + b"\n"
    if socket.send_fds(channel, [line], list(files.values())) != len(line):
        raise BlockingIOError("the socket has no room for the task")


def receive_task(number: int) -> dict[str, Any] | None:
    """Waits for the task at the socket of the descriptor `number`, and returns it with its `files`, descriptors by
    their roles. Returns None if the sender has ended."""
    channel = socket.socket(fileno=number)
    try:
        line, files, _, _ = socket.recv_fds(channel, _MAX_PIECE_BYTES, _MAX_FILES)
        while line and not line.endswith(b"\n"):
            piece = channel.recv(_MAX_PIECE_BYTES)
            line = line + piece if piece else b""
    finally:
        channel.detach()  # the descriptor stays open
    if not line:
        return None
    task: dict[str, Any] = json.loads(line)
    return {**task, "files": dict(zip(task["files"], files, strict=True))}
