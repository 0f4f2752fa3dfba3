"""Makes tables from what `python -m bench --json FILE` wrote: `python -m bench.markdown FILE`."""

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from bench.bars import LARGER_COSTS, P99_OF_P50, Bar, bars, growth_bars, processing_bars
from bench.candidates import FLOOR, LITERAL, OURS, RAW
from bench.measuring import Part
from bench.processing import LONG, SHORT, Processing
from bench.report import COLUMNS, cells, ratio

_MIB = 1024 * 1024
_TAIL = ": p99 / p50"
"""Identifies the bars of latencies, which are too many for a line each."""


class Machine(msgspec.Struct):
    cores: int
    system: str
    python: str


class Measured(msgspec.Struct):
    machine: Machine
    parts: list[Part]
    processing: Processing | None


def tables(measured: Measured) -> Iterator[str]:
    """Yields what was measured on, and then each table with its title."""
    machine = measured.machine
    yield f"{machine.cores} cores, {machine.system}, {machine.python}."
    parts = sorted(measured.parts, key=lambda part: (part.profile, part.count))
    yield "\n".join(("## What it is held to", "", *_held(parts), "", *_grown(parts)))
    for part in parts:
        yield "\n".join((f"### {part.title.capitalize()} mechanisms", "", *_figures(part)))
    yield "\n".join(("### Start-up and memory", "", *_weights(parts)))
    if measured.processing:
        yield "\n".join(("### Clips", "", *_clips(measured.processing)))


def _held(parts: Sequence[Part]) -> Iterator[str]:
    yield from _head("", "at least / most", *(part.title for part in parts))
    held = bars(parts)
    for what, wanted, at_most in dict.fromkeys((bar.what, bar.wanted, bar.at_most) for bar in held):
        if _TAIL not in what:
            sign = "<=" if at_most else ">="
            cells = _in_places(parts, [bar for bar in held if bar.what == what], lambda part: part.title)
            yield _line(what, f"{sign} {wanted:g}", *cells)
    tails = [[bar for bar in held if bar.where == part.title and _TAIL in bar.what] for part in parts]
    yield _line("p99 / p50 at half load", f"<= {P99_OF_P50:g}", *map(_tails, tails))


def _tails(tails: Sequence[Bar]) -> str:
    missed = [f"{bar.what.split(_TAIL)[0]} {bar.measured:.1f}" for bar in tails if bar.is_met is False]
    met = f"{len(tails) - len(missed)} of {len(tails)} met"
    return f"{met}; **{', '.join(missed)}**" if missed else met


def _grown(parts: Sequence[Part]) -> Iterator[str]:
    grown = [part for part in parts if part.fewest is not None]
    if not grown:
        return
    held = growth_bars(grown)
    beside = f"cost at the size / among {grown[0].fewest:,}, at most {LARGER_COSTS:g}"
    yield from _head(beside, *(part.title for part in grown))
    for what in dict.fromkeys(bar.what for bar in held):
        of_row = [bar for bar in held if bar.what == what]
        yield _line(what, *_in_places(grown, of_row, lambda part: f"{part.title} / {part.fewest:,}"))


def _in_places(parts: Sequence[Part], held: Sequence[Bar], place: Callable[[Part], str]) -> Iterator[str]:
    by_place = {bar.where: bar for bar in held}
    for part in parts:
        bar = by_place.get(place(part))
        if bar is None:
            yield ""
        elif bar.wanted is None:
            yield f"({ratio(bar.measured)})"
        else:
            yield f"**{ratio(bar.measured)}**" if bar.is_met is False else ratio(bar.measured)


def _figures(part: Part) -> Iterator[str]:
    yield from _head("", *COLUMNS)
    for row in part.figures:
        yield _line(row.row, *cells(row))


def _weights(parts: Sequence[Part]) -> Iterator[str]:
    beside = "s to the first answer; MiB of a worker then, and after all rows"
    yield from _head(beside, *(part.title for part in parts))
    for name in (OURS, FLOOR, RAW, LITERAL):
        yield _line(name, *(_weight(part, name) for part in parts))


def _weight(part: Part, name: str) -> str:
    if name not in part.up_after:
        return ""
    then, later = part.memory[name]
    return f"{part.up_after[name]:.2f}; {then / _MIB:.0f}, {later / _MIB:.0f}"


def _clips(made: Processing) -> Iterator[str]:
    rates = [f"{rate:.0f}" for rate in made.rates]
    costs = [f"{cost:.3f}" for cost in made.costs]
    shares = [bar.measured for bar in processing_bars(made)] if made.theirs else []
    beside = f"{made.clips} clips, of {made.seconds:.0f} s together"
    yield from _head(beside, "mechshare", *(["ffmpeg", "of ffmpeg's"] if shares else []))
    yield _line("clips/min for each core", *rates, *map(ratio, shares[:1]))
    yield _line("processor seconds for a clip's second", *costs, *map(ratio, shares[1:2]))
    if made.peaks:
        peaks = "; ".join(f"{made.peaks[length] / _MIB:.0f}" for length in (SHORT, LONG))
        yield _line(f"MiB at most, for a clip of {SHORT} s; of {LONG} s", peaks, "", "")


def _head(*names: str) -> Iterator[str]:
    yield _line(*names)
    yield "|---" * len(names) + "|"


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    print("\n\n".join(tables(msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Measured))))
