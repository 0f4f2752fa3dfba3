"""`mechshare serve` killed in the middle of processing, again and again: whatever it acknowledged is still there."""

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image, ImageDraw

ROUNDS = 3
CLIPS_A_ROUND = 4
PATIENCE = 120.0
USER = {"username": "survivor", "email": "survivor@example.com", "password": "four-bar linkage"}


def clip(path: Path, seed: int) -> Path:
    """A moving dot, in a clip like no other."""
    frames = []
    for number in range(40):
        image = Image.new("RGB", (320, 240), "white")
        x = (seed * 7 + number * 6) % 300
        ImageDraw.Draw(image).ellipse((x, 100, x + 20, 120), fill=(seed * 40 % 255, 80, 120))
        frames.append(image)
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=40, loop=0)
    return path


@contextmanager
def serving(data: Path) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """The server, in a process group of its own that is surely ended."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environ = {**os.environ, "MECHSHARE_DATA": str(data), "MECHSHARE_REQUESTS_PER_MINUTE": "0"}
    command = [sys.executable, "-m", "mechshare", "serve", "--port", str(port), "--workers", "2"]
    with (data.parent / "server.log").open("ab") as log:
        process = subprocess.Popen(command, env=environ, stdout=log, stderr=log, start_new_session=True)
    address = f"http://127.0.0.1:{port}"
    try:
        wait_until_ready(address, process)
        yield address, process
    finally:
        kill(process)


def kill(process: "subprocess.Popen[bytes]") -> None:
    """SIGKILL to the server and all that it started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def wait_until_ready(address: str, process: "subprocess.Popen[bytes]") -> None:
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        assert process.poll() is None, "the server ended by itself"
        try:
            if httpx.get(address + "/health/ready").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    pytest.fail("the server did not become ready")


def signed_in(address: str) -> dict[str, str]:
    httpx.post(address + "/api/v1/auth/register", json=USER)
    answer = httpx.post(
        address + "/api/v1/auth/login",
        json={"username": USER["username"], "password": USER["password"]},
        timeout=30,
    )
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


def ended(address: str, headers: dict[str, str], id: str) -> dict[str, Any]:
    """The processing of a mechanism, once it is over."""
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        status: dict[str, Any] = httpx.get(
            f"{address}/api/v1/mechanisms/{id}/processing", headers=headers, timeout=30
        ).json()
        if status["state"] in ("ready", "failed"):
            return status
        time.sleep(0.2)
    pytest.fail(f"{id} is pending for ever: {status}")


def test_nothing_acknowledged_is_lost_when_the_server_is_killed(tmp_path: Path) -> None:
    dice = random.Random(2026)
    data = tmp_path / "data"
    journal: dict[str, str] = {}
    for round in range(ROUNDS):
        with serving(data) as (address, process):
            headers = signed_in(address)
            for number in range(CLIPS_A_ROUND):
                path = clip(tmp_path / f"{round}-{number}.gif", round * 10 + number)
                with path.open("rb") as file:
                    answer = httpx.post(
                        address + "/api/v1/mechanisms",
                        headers=headers,
                        data={"title": path.stem},
                        files={"file": file},
                        timeout=60,
                    )
                assert answer.status_code == 202, answer.text
                journal[answer.json()["id"]] = sha256(path.read_bytes()).hexdigest()
            time.sleep(dice.uniform(0.0, 1.5))
            kill(process)
    with serving(data) as (address, _):
        headers = signed_in(address)
        states = [ended(address, headers, id)["state"] for id in journal]
        kept = {
            id: sha256(
                httpx.get(f"{address}/api/v1/mechanisms/{id}/original", headers=headers, timeout=60).content
            ).hexdigest()
            for id in journal
        }
    lost = sum(kept[id] != digest for id, digest in journal.items())
    print(f"{lost} lost of {len(journal)}; {states.count('ready')} ready, {states.count('failed')} failed")
    assert kept == journal
    assert states == ["ready"] * len(journal)
