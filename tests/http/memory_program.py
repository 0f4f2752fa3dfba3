"""test_memory_application.py runs this program in a new process: `journey` or `start`."""

import os
import sys
import time
from typing import Any

from litestar.testing import TestClient

from mechshare.bootstrap.memory import memory_application
from mechshare.entrypoints.http.app import build_app
from mechshare.entrypoints.worker.observer import LoggingObserver

API = "/api/v1"
GIF = bytes.fromhex("47494638396101000100800000000000ffffff21f90400000000002c00000000010001000002024401003b")
PERSON = {"username": "sakura", "email": "sakura@example.com", "password": "four-bar linkage"}
CREDENTIALS = {name: PERSON[name] for name in ("username", "password")}
STARTS = 5
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC
CHANGES = ("os.mkdir", "os.rename", "os.link", "os.symlink", "os.remove", "shutil", "tempfile")
written: list[str] = []


def note_write(event: str, arguments: tuple[Any, ...]) -> None:
    """An audit hook (PEP 578) that records every change of the file system."""
    if event == "open" and arguments[2] & WRITES and str(arguments[0]) != os.devnull:
        written.append(f"{event} {arguments[0]}")
    elif event.startswith(CHANGES):
        written.append(f"{event} {arguments}")


def main(what: str) -> None:
    if what == "start":
        print(min(start() for _ in range(STARTS)))
        return
    sys.addaudithook(note_write)
    with TestClient(build_app(memory_application(LoggingObserver()))) as client:
        journey(client)
    print("wrote", written)


def start() -> float:
    """Returns the CPU time from import to the first response, in seconds."""
    before = time.process_time()
    with TestClient(build_app(memory_application(LoggingObserver()))) as client:
        assert client.get(f"{API}/categories").status_code == 200
        return time.process_time() - before


def journey(client: TestClient[Any]) -> None:
    client.post(f"{API}/auth/register", json=PERSON)
    tokens = client.post(f"{API}/auth/login", json=CREDENTIALS).json()
    client.headers["Authorization"] = f"Bearer {tokens['access_token']}"
    file = {"file": ("clip.gif", GIF, "image/gif")}
    made = client.post(f"{API}/mechanisms", data={"title": "歯車"}, files=file).json()
    url = f"{API}/mechanisms/{made['id']}"
    assert '"state":"ready"' in client.get(f"{url}/processing/events").text
    published = client.post(f"{url}/publish").json()
    for name in ("file_url", "thumbnail_url", "preview_url"):
        assert client.get(published[name]).content
    client.post(f"{url}/withdraw")
    assert client.delete(url, headers={"If-Match": "*"}).status_code == 204


if __name__ == "__main__":
    main(sys.argv[1])
