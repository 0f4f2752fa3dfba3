"""One and two server processes over the same PostgreSQL: `python -m bench --processes`."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.callers import Callers
from bench.candidates import OURS, Candidate
from bench.installations import DISTRIBUTED, Installation, make_installation
from bench.known import Known
from bench.load import put_load
from bench.processes import ServerProcess
from bench.rows import RequestPlan, rows

_PROCESSES = (1, 2)
_ROWS = ("get hot anonymous", "get cold", "list first page cold", "create")
_SECONDS = 2


@dataclass(frozen=True, slots=True)
class Rates:
    """Requests/s of a row by the number of server processes: the median of the rounds."""

    row: str
    by_processes: Mapping[int, float]


def measure_processes(count: int, folder: Path, servers: Mapping[str, str], rounds: int) -> list[Rates]:
    """Measures an installation with `count` mechanisms on PostgreSQL and Redis, with the numbers of processes in
    turns."""
    data = folder / "processes"
    installation = make_installation(DISTRIBUTED, count, data, servers, is_searchable=False)
    known = Known(installation)
    found: dict[str, dict[int, list[float]]] = {row: {number: [] for number in _PROCESSES} for row in _ROWS}
    for _ in range(rounds):
        for number in _PROCESSES:
            for row, rate in _rates(number, installation, known, folder).items():
                found[row][number].append(rate)
    return [Rates(row, {number: median(rates[number]) for number in rates}) for row, rates in found.items()]


def _rates(number: int, installation: Installation, known: Known, folder: Path) -> dict[str, float]:
    """Returns the rates of a new server, whose caches are empty."""
    command = [sys.executable, "-m", "mechshare", "serve", "--workers", str(number)]
    server = ServerProcess(OURS, command, installation.environ, folder / "processes.log", "/health/live")
    server.start()
    try:
        made = rows(known, Callers({OURS: Candidate(server, _keep_all)}, installation.user_id))
        return {row: _rate(server, made[row]().plans[OURS], folder) for row in _ROWS}
    finally:
        server.stop()


def _keep_all(tags: Sequence[str]) -> None:
    """Does nothing: each server is new."""


def _rate(server: ServerProcess, plan: RequestPlan, folder: Path) -> float:
    load = put_load(
        server.address + plan.path,
        folder,
        seconds=_SECONDS,
        method=plan.method,
        headers=plan.headers,
        lines=plan.lines,
        body=plan.body,
        unwanted=plan.unwanted,
    )
    server.settle()
    return load.rate
