"""mechshare in the memory of one process, as the pytest plugin starts it for test suites downstream."""

import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from litestar.testing import TestClient

from mechshare.bootstrap.application import build
from mechshare.bootstrap.memory import memory_application
from mechshare.entrypoints.http.app import build_app
from mechshare.entrypoints.worker.observer import LoggingObserver
from mechshare.settings import load
from tests.http.conftest import API
from tests.machine import slowness

MAX_START_CPU_SECONDS = 0.5
pytestmark = pytest.mark.timeout(600)
PROGRAM = Path(__file__).with_name("memory_program.py")


def run(cwd: Path, *arguments: str) -> str:
    """What memory_program.py prints; it has to succeed."""
    command = [sys.executable, "-B", str(PROGRAM), *arguments]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()[-1]


def test_a_journey_writes_nothing_to_disk(tmp_path: Path) -> None:
    assert run(tmp_path, "journey") == "wrote []"
    assert list(tmp_path.iterdir()) == []


def test_an_application_starts_within_half_a_second_of_cpu_time(tmp_path: Path) -> None:
    assert float(run(tmp_path, "start")) < MAX_START_CPU_SECONDS * slowness()


def test_each_application_starts_empty_whatever_another_holds() -> None:
    person = {"username": "sakura", "email": "sakura@example.com", "password": "four-bar linkage"}
    for _ in range(2):
        with TestClient(build_app(memory_application(LoggingObserver()))) as client:
            assert client.post(f"{API}/auth/register", json=person).status_code == 201


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
async def test_an_application_whose_lifespan_did_not_run_says_so(kind: str, tmp_path: Path) -> None:
    application = (
        memory_application(LoggingObserver())
        if kind == "memory"
        else build(load({"MECHSHARE_DATA": str(tmp_path)}), LoggingObserver())
    )
    transport = httpx.ASGITransport(app=build_app(application))
    async with httpx.AsyncClient(transport=transport, base_url="http://mechshare.test") as client:
        for path in (f"{API}/categories", f"{API}/mechanisms", "/health/live", "/schema/openapi.json"):
            refused = await client.get(path)
            assert (refused.status_code, refused.json()["code"]) == (503, "NOT_STARTED"), path
            assert "lifespan" in refused.json()["message"]
            assert "mechshare_client" in refused.json()["message"]
        assert (await client.head(f"{API}/categories")).status_code == 503
        japanese = await client.get(f"{API}/categories", headers={"Accept-Language": "ja"})
        assert "起動していません" in japanese.json()["message"]
    await application.close()


async def test_an_application_responds_once_its_lifespan_runs() -> None:
    with TestClient(build_app(memory_application(LoggingObserver()))) as client:
        assert len(client.get(f"{API}/categories").json()["items"]) > 5
        assert client.get("/schema/openapi.json").json()["components"]["schemas"]["Mechanism"]
