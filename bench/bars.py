"""The required figures of mechshare, and whether they are met."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.candidates import FEWEST, FIRST_PAGE, FLOOR, LITERAL, RAW
from bench.installations import DISTRIBUTED
from bench.measuring import Part
from bench.processing import LONG, SHORT, Processing

DEEPER_COSTS = 1.2
LARGER_COSTS = 1.3
P99_OF_P50 = 5.0
OF_FFMPEG = 0.8
LONGER_TAKES = 1.1
_OF_REFERENCES: tuple[tuple[str, str, float], ...] = (
    ("get hot anonymous", FLOOR, 0.6),
    ("get hot authorised", FLOOR, 0.4),
    ("list first page hot", FLOOR, 0.4),
    ("get cold", RAW, 0.9),
    ("get hot anonymous", LITERAL, 8.0),
    ("get hot authorised", LITERAL, 8.0),
    ("list first page hot", LITERAL, 8.0),
    ("get cold", LITERAL, 8.0),
    ("create", LITERAL, 2.0),
)
"""Row, reference, and the least ratio of mechshare's rate to the reference's."""
_BLEND = "get Zipf"
"""A mix of hits and misses whose shares depend on the cache's memory: its median is a hit, its tail a miss. Hits and
misses have rows of their own, with bars for cost and latency."""
_UNLIKE = (_BLEND, "search cold", "search few cold")
"""Rows whose requests change with the number of mechanisms, reported without a bar. A query of the search rows has two
or three results among 1,000 and thousands among many; `search one cold`, which always has one, is used instead."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A required and a measured figure. `measured` is None if it could not be measured, `wanted` if there is no
    requirement."""

    where: str
    what: str
    wanted: float | None
    measured: float | None
    at_most: bool

    @property
    def is_met(self) -> bool | None:
        if self.measured is None or self.wanted is None:
            return None
        return self.measured <= self.wanted if self.at_most else self.measured >= self.wanted

    @property
    def verdict(self) -> str:
        unknown = "not held" if self.wanted is None else "not measured"
        return {True: "met", False: "NOT MET", None: unknown}[self.is_met]


def bars(parts: Sequence[Part]) -> list[Bar]:
    """Returns the bars of the measured rows, for each of `parts`."""
    return [bar for part in parts for bar in (*_of_references(part), *_of_depth(part), *_of_latency(part))]


def processing_bars(made: Processing) -> list[Bar]:
    """Returns the bars of processing clips."""
    found = []
    if made.theirs is not None:
        for what, ratio in (
            ("clips/min / ffmpeg's", made.theirs.wall / made.ours.wall),
            ("clips for a processor second / ffmpeg's", made.theirs.cpu / made.ours.cpu),
        ):
            found.append(Bar("processing", what, OF_FFMPEG, ratio, at_most=False))
    if made.peaks:
        growth = made.peaks[LONG] / made.peaks[SHORT]
        what = f"memory for {LONG} s / for {SHORT} s"
        found.append(Bar("processing", what, LONGER_TAKES, growth, at_most=True))
    return found


def growth_bars(parts: Sequence[Part]) -> list[Bar]:
    """Returns the cost of a request relative to that with the fewest mechanisms, for each of `parts` with more."""
    return [
        Bar(
            f"{part.title} / {part.fewest:,}",
            row.row,
            None if row.row in _UNLIKE else LARGER_COSTS,
            row.cost(FEWEST),
            at_most=True,
        )
        for part in parts
        if part.fewest is not None
        for row in part.figures
    ]


def _of_references(part: Part) -> Iterator[Bar]:
    for name, reference, wanted in _OF_REFERENCES:
        row = part.find(name)
        # The SQLite reference runs queries without a thread and mechshare in one, so they are not compared.
        if row and (reference != RAW or part.profile == DISTRIBUTED):
            yield Bar(
                part.title, f"{name}: rate / {reference}'s", wanted, row.ratio(reference), at_most=False
            )


def _of_depth(part: Part) -> Iterator[Bar]:
    for row in part.figures:
        if (cost := row.cost(FIRST_PAGE)) is not None:
            yield Bar(part.title, f"{row.row}: cost / the first page's", DEEPER_COSTS, cost, at_most=True)


def _of_latency(part: Part) -> Iterator[Bar]:
    for row in part.figures:
        if row.row != _BLEND:
            what = f"{row.row}: p99 / p50 at half load"
            yield Bar(part.title, what, P99_OF_P50, row.p99 / row.p50, at_most=True)
