"""The figures as tables and as JSON."""

import json
import os
import platform
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.bars import Bar, bars, growth_bars, processing_bars
from bench.candidates import FLOOR, LITERAL, NGINX, OURS, RAW
from bench.measuring import Figures, Part
from bench.processing import Processing
from bench.several_processes import Rates
from bench.waits import Wait
from bench.writes import Measured
from mechshare.entrypoints.cli import python_build

_MIB = 1024 * 1024
COLUMNS = (
    "requests/s",
    "of the floor",
    "of nginx",
    "of raw SQL",
    "times the literal design",
    "p50, ms",
    "p99, ms",
    "CPU, µs",
)


def python() -> str:
    """Says which Python runs the bench and all candidates, and how it was built: that alone may double a figure."""
    return f"Python {platform.python_version()} ({sys.executable}), {python_build.description()}"


def cells(row: Figures) -> Iterator[str]:
    """Yields the figures of a row, for COLUMNS."""
    yield f"{row.median(OURS):,.0f}"
    for reference in (FLOOR, NGINX, RAW, LITERAL):
        yield ratio(row.ratio(reference))
    yield from (f"{row.p50:.2f}", f"{row.p99:.2f}", f"{row.cpu[OURS] * 1e6:,.0f}")


def ratio(value: float | None) -> str:
    """Formats a ratio with three digits."""
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def print_part(console: Console, part: Part) -> None:
    table = _table(f"{part.title} mechanisms", "", *COLUMNS)
    for row in part.figures:
        table.add_row(row.row, *cells(row))
    console.print(table)
    table = _table("", "", "up after, s", "memory of the worker then, MiB", "and at the end")
    for name, seconds in part.up_after.items():
        before, after = part.memory[name]
        table.add_row(name, f"{seconds:.2f}", f"{before / _MIB:.0f}", f"{after / _MIB:.0f}")
    console.print(table)


def print_beside_writes(console: Console, measured: Sequence[Measured]) -> None:
    table = _table("", "", "reads per CPU s alone", "beside", "writes: p50, ms", "p99, ms")
    for one in measured:
        rates = [f"{one.alone:,.0f}", f"{one.beside:,.0f}"]
        table.add_row(one.case.name, *rates, f"{one.p50:.1f}", f"{one.p99:.1f}")
    console.print(table)


def print_waits(console: Console, measured: Sequence[Wait]) -> None:
    table = _table("", "", "p50", "most or p99", "")
    for one in measured:
        table.add_row(one.what, ratio(one.p50), ratio(one.most), one.unit)
    console.print(table)


def print_processes(console: Console, measured: Sequence[Rates]) -> None:
    """Prints requests/s, and how many times those of one process several reach."""
    numbers = list(measured[0].by_processes)
    table = _table("", "requests/s", *(f"processes: {number}" for number in numbers), "times")
    for one in measured:
        rates = list(one.by_processes.values())
        table.add_row(one.row, *(f"{rate:,.0f}" for rate in rates), ratio(rates[-1] / rates[0]))
    console.print(table)


def print_bars(console: Console, title: str, bars: Sequence[Bar]) -> None:
    """Prints a line per requirement, with the measured figures of all places."""
    wheres = list(dict.fromkeys(bar.where for bar in bars))
    table = _table(title, "", "wanted", *wheres)
    for what, wanted, at_most in dict.fromkeys((bar.what, bar.wanted, bar.at_most) for bar in bars):
        by_where = {
            bar.where: f"{ratio(bar.measured)} {bar.verdict}".strip() for bar in bars if bar.what == what
        }
        bound = "" if wanted is None else f"{'<=' if at_most else '>='} {wanted:g}"
        table.add_row(what, bound, *(by_where.get(where, "") for where in wheres))
    console.print(table)


def write_json(
    path: Path,
    parts: Sequence[Part],
    processing: Processing | None,
    options: Mapping[str, object],
) -> None:
    """Writes all results and the bars."""
    made = processing_bars(processing) if processing else []
    held = [*bars(parts), *made, *growth_bars(parts)]
    report = {
        "machine": {
            "cores": os.cpu_count(),
            "system": platform.platform(),
            "python": python(),
        },
        "options": options,
        "parts": [asdict(part) for part in parts],
        "bars": [{**asdict(bar), "is_met": bar.is_met} for bar in held],
        "processing": processing and asdict(processing),
    }
    path.write_text(json.dumps(report, ensure_ascii=False, indent=2, default=str) + "\n")


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title)
    for place, name in enumerate(columns):
        table.add_column(name, justify="right" if place else "left", no_wrap=bool(place))
    return table
