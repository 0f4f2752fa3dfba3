"""What mechshare is held to, and whether it is met."""

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
    ("get hot anonymous", FLOOR, 0.5),
    ("get hot authorised", FLOOR, 0.4),
    ("list first page hot", FLOOR, 0.4),
    ("get cold", RAW, 0.9),
    ("get hot anonymous", LITERAL, 8.0),
    ("get hot authorised", LITERAL, 8.0),
    ("list first page hot", LITERAL, 8.0),
    ("get cold", LITERAL, 8.0),
    ("create", LITERAL, 2.0),
)
"""Row, reference, and how many times the reference's rate mechshare's is to be at least."""
_BLEND = "get Zipf"
"""Partly hot and partly cold, in shares that the memory for the cache decides: its middle is the one, its end the
other. Each of the two is held apart, to what it costs among fewer and to its own middle."""
_UNLIKE = (_BLEND, "search cold", "search few cold")
"""What is not the same request among more, and is told without being held. What is asked of the searches has two or
three answers among 1,000 and thousands among many; `search one cold`, which has one among any, is held in their place.
"""


@dataclass(frozen=True, slots=True)
class Bar:
    """`measured` is None where it could not be, `wanted` where it is told and held to nothing."""

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
    """Those that say something about a row that was measured, for each of `parts`."""
    return [bar for part in parts for bar in (*_of_references(part), *_of_depth(part), *_of_latency(part))]


def processing_bars(made: Processing) -> list[Bar]:
    """Those that say something about what is made of clips."""
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
    """What a request costs over what it costs with the fewest mechanisms, for each of `parts` that has more."""
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
        # SQLite is asked without a thread by the reference, and by whoever has more than that to do, through one.
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
