"""Reads beside writes at a fixed rate: what a reader of a busy installation gets for a processor second."""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from statistics import mean
from urllib.parse import quote

from bench.bars import Bar
from bench.callers import Callers
from bench.candidates import OURS, Candidate
from bench.fixed_rate import Stream, message, run
from bench.http import request
from bench.installations import EMBEDDED, make_installation
from bench.known import Known
from bench.load import Lines, put_load
from bench.processes import ServerProcess, mechshare
from bench.texts import KINDS, questions
from mechshare.entrypoints.http.representations.mechanisms import MECHANISMS_PATH

AS_SHIPPED = {"MECHSHARE_JOB_SLOTS": "1"}
"""Jobs run."""
_ADDRESSES = 39
_ROUNDS = 8
_SECONDS = 4
"""How often and how long reads are measured alone and then beside writes: in turns, since the machine changes."""
_VIEWED = 2_999
"""Mechanisms that are viewed, every fifth time liked. Not a multiple of five: in each pass others are liked, since a
second like of the same user's changes nothing."""
_WARM_UP = 1
"""Seconds of the same load before each measurement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """Reads of one kind beside `rate` writes per second of another. The reads for a processor second are at least
    `wanted` times those without writes."""

    reads: str
    writes: str
    rate: float
    wanted: float | None = None

    @property
    def name(self) -> str:
        return f"{self.reads} beside {self.rate:g} {self.writes}/s"


LISTS, SEARCHES = "lists", "searches"
PUBLICATIONS, DRAFT_EDITS = "publications", "edits of drafts"
COMMUNITY = "likes and views"
"""One like for each four views, each of these by another viewer."""
_CASES = (
    _Case(reads=LISTS, writes=PUBLICATIONS, rate=1),
    _Case(reads=LISTS, writes=PUBLICATIONS, rate=10, wanted=0.8),
    _Case(reads=LISTS, writes=PUBLICATIONS, rate=50, wanted=0.5),
    _Case(reads=LISTS, writes=DRAFT_EDITS, rate=10, wanted=0.95),
    _Case(reads=LISTS, writes=COMMUNITY, rate=250, wanted=0.9),
    _Case(reads=SEARCHES, writes=PUBLICATIONS, rate=1, wanted=0.7),
)
_P99_OF_P50 = 10.0


@dataclass(frozen=True, slots=True)
class Measured:
    """`alone` and `beside` are reads per processor second of the server; `p50` and `p99` are latencies of the writes in
    ms, of which the server refused `refused`."""

    case: _Case
    alone: float
    beside: float
    p50: float
    p99: float
    refused: int


def measure_beside_writes(count: int, folder: Path) -> list[Measured]:
    """Measures each case in the embedded installation with `count` mechanisms, in one server as it is shipped."""
    installation = make_installation(EMBEDDED, count, folder / "writes", {}, is_searchable=True)
    environ = {**installation.environ, **AS_SHIPPED}
    server = ServerProcess(OURS, mechshare(), environ, folder / "writes.log", "/health/live")
    server.start()
    try:
        callers = Callers({OURS: Candidate(server, lambda tags: None)}, installation.user_id)
        known = Known(installation)
        drafts, viewed = iter([id for ids in known.unpublished(1) for id in ids]), known.ids[:_VIEWED]
        # What 200 people a second look at has been looked at before. Reads that miss the cache have rows of their own.
        for id in viewed:
            request(server.address, f"{MECHANISMS_PATH}/{id}")
        public = cycle(viewed)
        return [
            _measure(case, server, callers.ours(), public if case.writes == COMMUNITY else drafts, folder)
            for case in _CASES
        ]
    finally:
        server.stop()


def bars_beside_writes(measured: Sequence[Measured]) -> Iterator[Bar]:
    """Yields the share of the reads that is left beside writes, and the tail of the writes' latencies."""
    for one in measured:
        case = one.case
        yield Bar("embedded", f"{case.name} / alone", case.wanted, one.beside / one.alone, at_most=False)
        yield Bar("embedded", f"{case.name}: refused", 0, one.refused, at_most=True)
        yield Bar("embedded", f"{case.name}: p99 / p50", _P99_OF_P50, one.p99 / one.p50, at_most=True)


def _measure(
    case: _Case, server: ServerProcess, headers: Mapping[str, str], ids: Iterator[str], folder: Path
) -> Measured:
    lines = Lines(lines=addresses(case.reads))
    server.settle()  # what the former case wrote may still have to be indexed
    # One after the other: many searches at once, none of them cached, would be refused.
    for path in lines.lines:
        request(server.address, path)
    alone: list[float] = []
    beside: list[float] = []
    seconds = _WARM_UP + _SECONDS
    writes = Stream(case.rate, ())
    for _ in range(_ROUNDS):
        alone.append(_reads(server, folder, lines))
        writes.requests = _writes(case.writes, headers, list(islice(ids, int(case.rate * (seconds + 1)))))
        writer = threading.Thread(target=run, args=(server.address, [writes], seconds))
        writer.start()
        beside.append(_reads(server, folder, lines))
        writer.join()
    refused = sum(number for status, number in writes.statuses.items() if status != 200)
    return Measured(case, mean(alone), mean(beside), writes.p50, writes.p99, refused)


def _reads(server: ServerProcess, folder: Path, lines: Lines) -> float:
    """Returns the number of reads per processor second of the server, after a while under the same load."""
    put_load(server.address, folder, seconds=_WARM_UP, lines=lines)
    before = server.cpu()
    load = put_load(server.address, folder, seconds=_SECONDS, lines=lines)
    return load.requests / (server.cpu() - before)


def _writes(kind: str, headers: Mapping[str, str], ids: Sequence[str]) -> Iterator[bytes]:
    for number, id in enumerate(ids):
        if kind == COMMUNITY:
            like = number % 5 == 0
            viewer = headers if like else {"User-Agent": f"viewer {number}"}
            path = f"{MECHANISMS_PATH}/{id}{'/marks/like' if like else ''}"
            yield message("PUT" if like else "GET", path, viewer)
        elif kind == PUBLICATIONS:
            yield message("POST", f"{MECHANISMS_PATH}/{id}/publish", headers)
        else:
            body = json.dumps({"title": f"draft {number}"}).encode()
            patch = {**headers, "If-Match": "*", "Content-Type": "application/json"}
            yield message("PATCH", f"{MECHANISMS_PATH}/{id}", patch, body)


def addresses(kind: str) -> list[str]:
    if kind == SEARCHES:
        distinct = list(dict.fromkeys(questions()))[:_ADDRESSES]
        return [f"/api/v1/search/mechanisms?q={quote(question)}" for question in distinct]
    pages = [f"{MECHANISMS_PATH}?page={number}" for number in range(1, _ADDRESSES + 1)]
    sorts = [
        f"{MECHANISMS_PATH}?sort={sort}" for sort in ("created_at", "-updated_at", "title", "-reliability")
    ]
    categories = [f"{MECHANISMS_PATH}?category={category}" for category in KINDS]
    return [*sorts, *categories, *pages][:_ADDRESSES]
