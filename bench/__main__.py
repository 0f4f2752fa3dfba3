"""What mechshare costs over the least that any server costs: `python -m bench`.

Each row is measured beside a bare ASGI application in the same server (granian, one worker) that answers the same
bytes, in turns, on one machine: the ratios are the result, the absolute figures are the machine's.
"""

import argparse
import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.installation import PASSWORD, make_installation
from bench.load import Load, put_load, require_wrk

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    script: Path | None = None


def main() -> None:
    options = _options()
    require_wrk()
    with tempfile.TemporaryDirectory(prefix="mechshare-bench-") as folder:
        data = Path(folder) / "data"
        username, _, newest = asyncio.run(make_installation(data, options.mechanisms))
        with _mechshare(data) as address:
            table = Table(title=f"{options.mechanisms} mechanisms, embedded profile, 1 worker")
            for name in ("", "requests/s", "of floor", "p50 ms", "of floor", "p99 ms", "of floor"):
                table.add_column(name, justify="left" if not name else "right")
            for row in _rows(address, username, newest):
                ours, floor = _measured(row, address, Path(folder), options)
                table.add_row(row.name, *_figures(ours, floor))
            Console().print(table)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--mechanisms", type=int, default=1_000, help="how many there are (1000)")
    parser.add_argument("--seconds", type=int, default=3, help="of load for each figure (3)")
    parser.add_argument("--rounds", type=int, default=3, help="turns of ours and floor for each row (3)")
    parser.add_argument("--connections", type=int, default=16, help="clients that ask at a time (16)")
    return parser.parse_args()


def _rows(address: str, username: str, newest: str) -> list[Row]:
    signed_in = {"Authorization": f"Bearer {_token(address, username)}"}
    one = f"/api/v1/mechanisms/{newest}"
    return [
        Row("health", "/health/live"),
        Row("get by id, anonymous", one),
        Row("get by id, authorised", one, signed_in),
        Row("get by id, 304", one, {"If-None-Match": _etag(address + one)}),
        Row("list, first page", "/api/v1/mechanisms"),
        Row("list, first page, filtered", "/api/v1/mechanisms?category=gears"),
        Row("search", "/api/v1/search/mechanisms?q=%E6%AD%AF%E8%BB%8A"),
        Row(
            "create",
            "/api/v1/mechanisms",
            {**signed_in, "Content-Type": "application/json"},
            HERE / "create.lua",
        ),
    ]


def _measured(row: Row, address: str, folder: Path, options: argparse.Namespace) -> tuple[Load, Load]:
    """Medians of the rounds, ours and the floor's."""
    body = folder / "floor-body"
    body.write_bytes(_body(address, row))
    ours: list[Load] = []
    floors: list[Load] = []
    with _floor(body) as floor:
        for _ in range(options.rounds):
            for target, loads in ((address, ours), (floor, floors)):
                loads.append(
                    put_load(
                        target + row.path,
                        seconds=options.seconds,
                        connections=options.connections,
                        headers=row.headers,
                        script=row.script,
                    )
                )
    return _median(ours), _median(floors)


def _median(loads: list[Load]) -> Load:
    return Load(
        *(statistics.median(getattr(load, name) for load in loads) for name in ("rate", "p50", "p99"))
    )


def _figures(ours: Load, floor: Load) -> list[str]:
    return [
        f"{ours.rate:,.0f}",
        f"{ours.rate / floor.rate:.2f}",
        f"{ours.p50:.2f}",
        f"{ours.p50 / floor.p50:.1f}x",
        f"{ours.p99:.2f}",
        f"{ours.p99 / floor.p99:.1f}x",
    ]


@contextmanager
def _mechshare(data: Path) -> Iterator[str]:
    environ = {
        "MECHSHARE_DATA": str(data),
        "MECHSHARE_WORKERS": "1",
        "MECHSHARE_REQUESTS_PER_MINUTE": "0",
        "MECHSHARE_JOB_SLOTS": "0",
    }
    with _granian("mechshare.entrypoints.http.app:create", ["--factory"], environ) as address:
        yield address


@contextmanager
def _floor(body: Path) -> Iterator[str]:
    with _granian("bench.floor:app", [], {"FLOOR_BODY": str(body)}) as address:
        yield address


@contextmanager
def _granian(target: str, options: list[str], environ: dict[str, str]) -> Iterator[str]:
    port = _free_port()
    command = [sys.executable, "-m", "granian", "--interface", "asgi", "--loop", "uvloop", "--workers", "1"]
    command += ["--port", str(port), "--no-ws", "--log-level", "warning", *options, target]
    process = subprocess.Popen(command, env={**os.environ, **environ}, cwd=HERE.parent)
    try:
        _wait_for(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(300):
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode} before it answered")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError("the server did not answer within 30 s")


def _token(address: str, username: str) -> str:
    body = json.dumps({"username": username, "password": PASSWORD}).encode()
    request = urllib.request.Request(
        f"{address}/api/v1/auth/login", data=body, headers={"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as answer:
        token: str = json.load(answer)["access_token"]
    return token


def _etag(url: str) -> str:
    with urllib.request.urlopen(url) as answer:
        etag: str = answer.headers["ETag"]
    return etag


def _body(address: str, row: Row) -> bytes:
    """What the floor is to answer: the bytes that mechshare answers."""
    if row.script is not None or "If-None-Match" in row.headers:
        return b"{}"
    with urllib.request.urlopen(urllib.request.Request(address + row.path, headers=row.headers)) as answer:
        body: bytes = answer.read()
    return body


if __name__ == "__main__":
    main()
