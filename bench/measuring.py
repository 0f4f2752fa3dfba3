"""Measures candidates in turns under the same load."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median

from bench.candidates import (
    FEWEST,
    FIRST_PAGE,
    FLOOR,
    NGINX,
    OURS,
    REFERENCES,
    Candidate,
    teach_floor,
    teach_nginx,
)
from bench.http import request
from bench.load import CONNECTIONS, Lines, Load, NoResponse, put_load
from bench.rows import RequestPlan, Row

_LINES_A_SECOND = 60_000
"""More than any server can handle."""
_MAX_BURSTS = 6
"""How many times one load may repeat the lines of a small installation."""
_SHARE = 0.5
"""The load for measuring latencies, as a share of mechshare's maximum."""
_CALM = 7
"""Loads for measuring latencies: with few requests, one pause of the machine would dominate the 99th percentile."""


@dataclass(frozen=True, slots=True)
class Figures:
    """The results of one row, by candidate: requests/s of each round, and processor seconds of its server per request;
    also mechshare's latencies in ms at half its rate."""

    row: str
    rates: Mapping[str, list[float]]
    cpu: Mapping[str, float]
    p50: float
    p99: float

    def median(self, candidate: str) -> float:
        """Returns the median of the rounds. Raises KeyError for a candidate without this row."""
        return median(self.rates[candidate])

    def ratio(self, reference: str) -> float | None:
        """Returns the median over the rounds of mechshare's rate over the reference's; a round measures both in
        turn."""
        if reference not in self.rates:
            return None
        return median(
            ours / theirs for ours, theirs in zip(self.rates[OURS], self.rates[reference], strict=True)
        )

    def cost(self, reference: str) -> float | None:
        """Returns the cost of a request relative to the reference."""
        ratio = self.ratio(reference)
        return None if ratio is None else 1 / ratio


@dataclass(frozen=True, slots=True)
class Part:
    """The results of one profile with one number of mechanisms.

    By candidate: seconds from start to first response, and bytes of memory of its worker then and at the end. `fewest`
    is the number of mechanisms of FEWEST, if it was measured.
    """

    profile: str
    count: int
    figures: Sequence[Figures]
    up_after: Mapping[str, float]
    memory: Mapping[str, tuple[int, int]]
    fewest: int | None = None

    @property
    def title(self) -> str:
        return f"{self.profile}, {self.count:,}"

    def find(self, row: str) -> Figures | None:
        return next((figures for figures in self.figures if figures.row == row), None)


@dataclass(slots=True)
class _Walker:
    """The progress of one candidate through the requests of a row."""

    candidate: Candidate
    plan: RequestPlan
    row: Row
    at: int = 0
    rates: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def take_turn(self, folder: Path, seconds: int) -> bool:
        """Measures one round; returns False if a reference does not respond. Raises NoResponse if mechshare does
        not."""
        before = self.candidate.server.cpu()
        try:
            load = self.load(folder, seconds)
        except NoResponse:
            if self.candidate.server.name not in REFERENCES:
                raise
            # Otherwise it would continue with the requests of disconnected clients.
            self.candidate.restart()
            return False
        else:
            self.rates.append(load.rate)
            self.cpu.append((self.candidate.server.cpu() - before) / load.requests)
            return True
        finally:
            self.candidate.settle()

    def load(self, folder: Path, seconds: int, pause: float = 0.0) -> Load:
        """Runs a load of about `seconds`, as several bursts if there are too few unused lines."""
        loads: list[Load] = []
        while sum(load.seconds for load in loads) < 0.9 * seconds and len(loads) < _MAX_BURSTS:
            loads.append(self._burst(folder, seconds, pause))
        requests, taken = sum(load.requests for load in loads), sum(load.seconds for load in loads)
        longest = max(loads, key=lambda load: load.requests)
        return replace(longest, requests=requests, seconds=taken)

    def _burst(self, folder: Path, seconds: int, pause: float) -> Load:
        plan = self.plan
        lines = self._next(plan.lines, seconds) if plan.lines else None
        load = put_load(
            self.candidate.address + plan.path,
            folder,
            seconds=seconds,
            method=plan.method,
            headers=plan.headers,
            lines=lines,
            body=plan.body,
            unwanted=plan.unwanted,
            pause=pause,
        )
        self.at += load.requests + CONNECTIONS
        return load

    def _next(self, lines: Lines, seconds: int) -> Lines:
        """Returns the next lines; after the last, empties the caches and starts again."""
        if self.at >= len(lines.lines) - CONNECTIONS:
            self.at = 0
            if lines.once:
                self.candidate.invalidate(self.row.groups())
        return replace(lines, lines=lines.lines[self.at : self.at + seconds * _LINES_A_SECOND])


def measure(
    name: str,
    row: Row,
    candidates: Mapping[str, Candidate],
    folder: Path,
    *,
    fewest: Row | None = None,
    rounds: int,
    seconds: int,
) -> Figures:
    """Measures each candidate `rounds` times for `seconds`, in turns; then mechshare at half its rate.

    Omits a reference that does not respond. `fewest` is the same row for the candidate of that name.
    """
    _recall(folder)
    walkers = _walkers(row, {**candidates, FIRST_PAGE: candidates[OURS]}, folder)
    if fewest is not None:
        walkers[FEWEST] = _walkers(fewest, {OURS: candidates[FEWEST]}, folder)[OURS]
    turns = list(walkers)
    for number in range(rounds):
        # The order rotates, because each candidate warms the database and the machine for the next.
        first = number % len(turns)
        for one in turns[first:] + turns[:first]:
            if one in walkers and not walkers[one].take_turn(folder, seconds):
                del walkers[one]
    ours = walkers[OURS]
    pause = 1000 * CONNECTIONS / (_SHARE * median(ours.rates))
    calm = [ours.load(folder, seconds, pause) for _ in range(_CALM)]
    return Figures(
        name,
        rates={one: walker.rates for one, walker in walkers.items()},
        cpu={one: median(walker.cpu) for one, walker in walkers.items()},
        p50=median(load.p50 for load in calm),
        p99=median(load.p99 for load in calm),
    )


def _recall(folder: Path) -> None:
    """Reads every file below `folder`, so that it is in the page cache and the disk is not measured."""
    piece = bytearray(1024 * 1024)
    for path in folder.rglob("*"):
        # The servers create and delete files meanwhile.
        with suppress(OSError):
            if path.is_file():
                with path.open("rb", buffering=0) as file:
                    while file.readinto(piece):
                        pass


def _walkers(row: Row, candidates: Mapping[str, Candidate], folder: Path) -> dict[str, _Walker]:
    """Returns the walkers of a row, after checking one response of each candidate: a fast refusal must not count."""
    ours = row.plans[OURS]
    bodies = {
        name: _first_body(candidates[name], row.plans[name]) for name in row.plans if name in candidates
    }
    plans = {name: row.plans[name] for name in bodies}
    if FLOOR in candidates:
        teach_floor(candidates[FLOOR], ours.status, bodies[OURS])
        plans[FLOOR] = replace(ours, lines=ours.lines and replace(ours.lines, once=False))
    if NGINX in candidates and (ours.method, ours.status) == ("GET", 200):  # it has no other responses
        teach_nginx(folder, bodies[OURS])
        plans[NGINX] = replace(ours, lines=ours.lines and replace(ours.lines, once=False))
    walkers = {}
    for number, (name, one) in enumerate(plans.items()):
        walkers[name] = _Walker(candidates[name], _rotated(one, number / len(plans)), row)
        if one.lines and one.lines.once:
            candidates[name].invalidate(row.groups())
    return walkers


def _rotated(plan: RequestPlan, share: float) -> RequestPlan:
    """Rotates the lines by `share`, so that the database has not just served the same ones to another candidate."""
    if plan.lines is None:
        return plan
    lines = plan.lines.lines
    begin = int(share * len(lines))
    return replace(plan, lines=replace(plan.lines, lines=[*lines[begin:], *lines[:begin]]))


def _first_body(candidate: Candidate, plan: RequestPlan) -> bytes:
    """Returns the body of one response. Raises RuntimeError if its status is not the expected one."""
    first = plan.lines.lines[0] if plan.lines else ""
    are_bodies = plan.lines is not None and plan.lines.are_bodies
    path = plan.path if are_bodies else first or plan.path
    body = first.encode() if are_bodies else None if plan.method == "GET" else plan.body
    response = request(candidate.address, path, method=plan.method, headers=plan.headers, body=body)
    if response.status != plan.status:
        who = candidate.server.name
        raise RuntimeError(
            f"{who} responds to {plan.method} {path} with {response.status}: {response.body.decode()}"
        )
    return response.body
