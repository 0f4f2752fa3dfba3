"""A server survives kills of its processes, and stops entirely when its main process is killed."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from mechshare import settings
from mechshare.entrypoints.cli.main import cli
from tests.attacks.server import AttackedServer, attackable_server

TIMEOUT = 240.0


async def until(condition: Callable[[], bool | Awaitable[bool]]) -> None:
    """Raises TimeoutError after TIMEOUT seconds."""
    async with asyncio.timeout(TIMEOUT):
        while True:
            result = condition()
            if result if isinstance(result, bool) else await result:
                return
            await asyncio.sleep(0.1)


async def is_ready(server: AttackedServer) -> bool:
    return await _succeeds(server, "/health/ready")


async def is_alive(server: AttackedServer) -> bool:
    return await _succeeds(server, "/health/live")


async def _succeeds(server: AttackedServer, path: str) -> bool:
    async with server.client(timeout=20) as client:
        try:
            return (await client.get(path)).status_code == 200
        except httpx.TransportError:
            return False


def refused(folder: Path, *arguments: str, **environ: str) -> str:
    """Returns what `mechshare serve` prints when it refuses to start."""
    ended = subprocess.run(
        [sys.executable, "-m", "mechshare", "serve", *arguments],
        env={**os.environ, "MECHSHARE_DATA": str(folder), **environ},
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert ended.returncode == 1
    return ended.stderr


def started(folder: Path, port: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "mechshare", "serve", "--port", str(port), "--workers", "1"],
        env={**os.environ, "MECHSHARE_DATA": str(folder)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


async def test_a_killed_process_is_replaced_each_time(tmp_path: Path) -> None:
    with attackable_server(tmp_path) as server:
        for _ in range(3):
            victims = server.server_processes()
            for victim in victims:
                os.kill(victim, signal.SIGKILL)
            async with server.operator() as operator:  # the listener outlives the server processes
                assert "mechshare_database_up 1.0" in (await operator.get("/metrics")).text
            await until(lambda old=victims: len(set(server.server_processes()) - set(old)) == 2)
        await until(lambda: is_ready(server))
        assert server.process.poll() is None


async def test_server_processes_end_with_the_main_process_and_free_the_port(tmp_path: Path) -> None:
    with attackable_server(tmp_path) as server:
        members = server.members()
        server.process.kill()
        server.process.wait(TIMEOUT)
        await until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in members))
        with attackable_server(tmp_path, port=server.port) as successor:
            async with successor.client() as client:
                assert (await client.get("/health/live")).status_code == 200


async def test_a_second_server_on_the_same_port_is_refused_whatever_its_folder(
    attacked_server: AttackedServer, tmp_path: Path
) -> None:
    message = refused(tmp_path, "--port", str(attacked_server.port))
    assert "can't listen" in message
    assert "--port" in message


async def test_one_of_two_servers_that_start_together_is_refused(tmp_path: Path) -> None:
    with attackable_server(tmp_path) as server:
        server.process.terminate()
        server.process.wait(TIMEOUT)
    both = [started(tmp_path / name, server.port) for name in ("first", "second")]
    try:
        await until(lambda: any(process.poll() is not None for process in both))
        assert sorted(process.poll() is None for process in both) == [False, True]
    finally:
        for process in both:
            process.kill()
            process.wait(TIMEOUT)


@pytest.mark.parametrize("name", ["DATABASE", "BLOBS", "SEARCH", "JOBS"])
def test_in_memory_adapters_are_refused_for_several_processes(tmp_path: Path, name: str) -> None:
    chosen = settings.load({"MECHSHARE_DATA": str(tmp_path), f"MECHSHARE_{name}_URL": "memory:"})
    ended = CliRunner().invoke(cli, ["serve", "--workers", "2"], obj=chosen)
    assert ended.exit_code == 1
    assert f"MECHSHARE_{name}_URL=memory:" in ended.output
    assert "--workers 1" in ended.output


async def test_sighup_replaces_the_processes_without_an_interruption(tmp_path: Path) -> None:
    with attackable_server(tmp_path) as server:
        old = set(server.server_processes())
        server.process.send_signal(signal.SIGHUP)
        ends = time.monotonic() + TIMEOUT
        async with server.client() as client:
            while old & set(server.server_processes()) and time.monotonic() < ends:
                assert (await client.get("/health/live")).status_code == 200
                await asyncio.sleep(0.1)
        assert not old & set(server.server_processes())
        server.process.terminate()
        assert server.process.wait(TIMEOUT) == 0
