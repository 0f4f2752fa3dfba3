"""The pages of the operations listener."""

import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest
import structlog

from mechshare import settings
from mechshare.domain.errors import DependencyUnavailable
from mechshare.entrypoints.operations.application_thread import application_thread
from mechshare.entrypoints.operations.exposition import ProcessesCollector, registry_of
from mechshare.entrypoints.operations.listener import check_server, listening
from mechshare.entrypoints.operations.pages import OperationsPages
from mechshare.entrypoints.operations.serving import server_operations
from mechshare.services.maintenance.health import Check
from mechshare.setting_values import SettingsError
from mechshare.settings import Settings, operations_address

DATABASE = Check(name="database", is_up=True, is_essential=True, detail="SQLite")
NO_CACHE = Check(name="cache", is_up=False, is_essential=False, detail="Redis does not answer")
NO_DATABASE = Check(name="database", is_up=False, is_essential=True, detail="does not answer")


@contextmanager
def opened(folder: Path, *checks: Check, is_stopping: bool = False) -> Iterator[httpx.Client]:
    pages = OperationsPages(
        registry_of(ProcessesCollector(folder)), lambda uploads: checks, lambda: is_stopping
    )
    with (
        listening("127.0.0.1", 0, pages) as (host, port),
        httpx.Client(base_url=f"http://{host}:{port}", trust_env=False, timeout=60) as client,
    ):
        yield client


@pytest.mark.parametrize(
    ("checks", "is_stopping", "status", "code"),
    [
        ((DATABASE,), False, "ready", 200),
        ((DATABASE, NO_CACHE), False, "degraded", 200),
        ((NO_DATABASE, NO_CACHE), False, "unavailable", 503),
        ((DATABASE,), True, "stopping", 503),
    ],
)
def test_health_says_what_is_down(
    tmp_path: Path, checks: tuple[Check, ...], is_stopping: bool, status: str, code: int
) -> None:
    with opened(tmp_path, *checks, is_stopping=is_stopping) as client:
        for path in ("/health", "/health/ready", "/health?for=uploads"):
            response = client.get(path)
            assert (response.status_code, response.json()["status"]) == (code, status)
            assert [one["detail"] for one in response.json()["checks"]] == [one.detail for one in checks]
        assert client.get("/health/live").json() == {"status": "alive"}


def test_unknown_paths_methods_and_parameters_are_refused(tmp_path: Path) -> None:
    with opened(tmp_path, DATABASE) as client:
        assert client.get("/").status_code == 404
        assert client.post("/metrics").status_code == 405
        assert client.get("/health?for=lunch").status_code == 400
        assert client.head("/health").content == b""
        assert client.get("/metrics").status_code == 200


def test_a_server_that_does_not_listen_is_down() -> None:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        check = check_server(*probe.getsockname())
    assert (check.is_up, check.is_essential) == (False, True)


def test_where_the_port_is_taken_the_server_goes_on_without(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        chosen = settings.load(
            {
                "MECHSHARE_DATA": str(tmp_path),
                "MECHSHARE_OPERATIONS_ADDRESS": f"127.0.0.1:{other.getsockname()[1]}",
            }
        )
        with (
            structlog.testing.capture_logs() as logs,
            server_operations(chosen, ("127.0.0.1", 1), tmp_path, lambda: False),
        ):
            pass
    (warning,) = [log for log in logs if log["log_level"] == "warning"]
    assert "MECHSHARE_OPERATIONS_ADDRESS" in warning["advice"]


def test_an_application_in_a_thread_reports_on_its_dependencies(tmp_path: Path) -> None:
    with application_thread(settings.load({"MECHSHARE_DATA": str(tmp_path)})) as calls:
        calls.call(lambda application: application.installation.migrate())
        checks = calls.call(lambda application: application.health.check())
        assert {check.name: check.is_up for check in checks}["database"]
        with pytest.raises(DependencyUnavailable):
            calls.call(lambda application: fail())


async def fail() -> None:
    raise DependencyUnavailable(dependency="database")


def chosen(address: str) -> Settings:
    return settings.load({"MECHSHARE_OPERATIONS_ADDRESS": address})


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("", ("127.0.0.1", 8001)),
        ("10.0.0.5", ("10.0.0.5", 8001)),
        ("10.0.0.5:9000", ("10.0.0.5", 9000)),
        ("localhost:9000", ("localhost", 9000)),
        (":9000", ("127.0.0.1", 9000)),
        ("9000", ("127.0.0.1", 9000)),
        ("::1", ("::1", 8001)),
        ("[::1]:9000", ("::1", 9000)),
        ("off", None),
    ],
)
def test_the_address_may_be_a_host_a_port_or_both(address: str, expected: tuple[str, int] | None) -> None:
    assert operations_address(chosen(address), 8000) == expected


@pytest.mark.parametrize("address", ["10.0.0.5:", "10.0.0.5:70000", "http://x:1", "a b", "u@h:1", "h:1/x"])
def test_an_invalid_address_is_refused(address: str) -> None:
    with pytest.raises(SettingsError, match="MECHSHARE_OPERATIONS_ADDRESS must be an address"):
        chosen(address)
