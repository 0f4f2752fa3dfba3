"""The figures as tables and as JSON."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from bench.candidates import FLOOR, LITERAL, OURS, RAW
from bench.measuring import Figures


@dataclass(frozen=True, slots=True)
class Part:
    """What was measured of one profile with one number of mechanisms."""

    profile: str
    count: int
    figures: Sequence[Figures]

    @property
    def title(self) -> str:
        return f"{self.profile}, {self.count:,} mechanisms"


def print_part(console: Console, part: Part) -> None:
    table = Table(title=part.title)
    for name in (
        "",
        "requests/s",
        "of the floor",
        "of raw psycopg",
        "times the literal design",
        "p50 ms",
        "p99 ms",
    ):
        table.add_column(name, justify="right" if name else "left")
    for row in part.figures:
        table.add_row(
            row.row,
            f"{row.rate(OURS):,.0f}",
            _told(row.ratio(FLOOR), ".2f"),
            _told(row.ratio(RAW), ".2f"),
            _told(row.ratio(LITERAL), ".1f"),
            f"{row.p50:.2f}",
            f"{row.p99:.2f}",
        )
    console.print(table)


def _told(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)
