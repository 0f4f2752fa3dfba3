"""The operations listeners of `mechshare serve` and of `mechshare worker`."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import structlog
from prometheus_client import REGISTRY

from mechshare.domain.errors import Unavailable
from mechshare.entrypoints.operations.application_thread import ApplicationCalls, application_thread
from mechshare.entrypoints.operations.exposition import (
    DiskCollector,
    LedgerCollector,
    ProcessesCollector,
    registry_of,
)
from mechshare.entrypoints.operations.listener import check_server, listening
from mechshare.entrypoints.operations.pages import OperationsPages
from mechshare.services.maintenance.health import Check
from mechshare.setting_values import PREFIX
from mechshare.settings import Settings, operations_address
from mechshare.urls import scheme_of

_log = structlog.get_logger("mechshare.operations")


@contextmanager
def server_operations(
    chosen: Settings, server: tuple[str, int], metrics: Path, is_stopping: Callable[[], bool]
) -> Iterator[None]:
    """Runs the operations listener of the server at the address `server`, whose processes count in `metrics`.

    It runs in the main process, so it goes on while server processes are replaced. Where its port is taken, it logs a
    warning and does nothing.
    """
    address = operations_address(chosen, server[1])
    if address is None:
        yield
        return
    if scheme_of(chosen.database_url) == "memory":  # only in the memory of the server process
        pages = OperationsPages(
            registry_of(ProcessesCollector(metrics)), lambda uploads: [check_server(*server)], is_stopping
        )
        with _announced(address, pages):
            yield
        return
    with application_thread(chosen) as calls:
        pages = _pages_of_server(calls, server, metrics, is_stopping)
        with _announced(address, pages):
            yield


@contextmanager
def worker_operations(
    chosen: Settings, port: int | None, calls: ApplicationCalls, is_stopping: Callable[[], bool]
) -> Iterator[None]:
    """Runs the operations listener of a worker at `port`; does nothing without one."""
    if port is None:
        yield
        return
    host, _ = operations_address(chosen, port) or (Settings.operations_address, port)
    registry = registry_of(REGISTRY, _disk_collector(calls))
    pages = OperationsPages(registry, lambda uploads: _find_checks(calls, uploads), is_stopping)
    with _announced((host, port), pages):
        yield


def _pages_of_server(
    calls: ApplicationCalls, server: tuple[str, int], metrics: Path, is_stopping: Callable[[], bool]
) -> OperationsPages:
    def find_checks(uploads: bool) -> Sequence[Check]:
        return [check_server(*server), *_find_checks(calls, uploads)]

    ledger = LedgerCollector(lambda: calls.call(lambda application: application.jobs.find_backlog()))
    registry = registry_of(ProcessesCollector(metrics), ledger, _disk_collector(calls))
    return OperationsPages(registry, find_checks, is_stopping)


def _disk_collector(calls: ApplicationCalls) -> DiskCollector:
    return DiskCollector(lambda: calls.call(lambda application: application.health.find_disk_space()))


def _find_checks(calls: ApplicationCalls, uploads: bool) -> Sequence[Check]:
    try:
        return calls.call(lambda application: application.health.check(uploads=uploads))
    except Unavailable as down:
        return [Check(name="application", is_up=False, is_essential=True, detail=down.message)]


@contextmanager
def _announced(address: tuple[str, int], pages: OperationsPages) -> Iterator[None]:
    """Serves `pages` at `address` and logs where, or why not."""
    with ExitStack() as stack:
        try:
            host, port = stack.enter_context(listening(*address, pages))
        except OSError as problem:
            _log.warning(
                "operations_listener_unavailable",
                address=f"{address[0]}:{address[1]}",
                problem=problem.strerror or str(problem),
                advice=f"there are no metrics now: set {PREFIX}OPERATIONS_ADDRESS to a free port, and restart",
            )
        else:
            _log.info("operations_listener_started", address=f"{host}:{port}", pages="/metrics, /health")
        yield
