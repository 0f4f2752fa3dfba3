"""Tables, JSON and progress bars of commands, for people at a terminal and for programs at a pipe."""

import sys
from collections.abc import Iterable, Sequence

import click
import msgspec
from rich.cells import cell_len
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

_GAP = "  "
_CONTROLS = dict.fromkeys((*range(32), *range(127, 160)), " ")

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


def print_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Prints whole values: in aligned columns on a terminal, elsewhere with a tab between two fields.

    Control characters in values become spaces.
    """
    table = [[cell.translate(_CONTROLS) for cell in row] for row in (headings, *rows)]
    if not sys.stdout.isatty():
        for row in table:
            click.echo("\t".join(row))
        return
    widths = [max(map(cell_len, column)) for column in zip(*table, strict=True)]
    for number, row in enumerate(table):
        padded = (cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True))
        click.secho(_GAP.join(padded).rstrip(), bold=number == 0 or None)


def print_json(value: object) -> None:
    """Prints dataclasses, times and enumerations as JSON."""
    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def progress_bar() -> Progress:
    """Returns a bar on standard error that log lines scroll above; it shows nothing where that is no terminal."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    columns = (
        TextColumn("{task.description:15}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=console, disable=not console.is_terminal)
