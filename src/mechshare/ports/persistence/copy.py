"""Copies of all rows of one database to another."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class TableCopied:
    """A table with equal rows on both sides; `resumed` of them are from an earlier run.

    `digest` is a SHA-256 over all values of all rows, in 64 hexadecimal digits, independent of their order.
    """

    table: str
    rows: int
    resumed: int
    digest: str


class DatabaseCopy(Protocol):
    """Copies all rows of one database to another while nothing else uses either of them.

    Values are copied exactly, but a running job is queued at the destination, without a lease. A copy that is killed at
    any moment can be run again, with the same result. Every method raises CopyRefused and Unavailable.
    """

    async def prepare(self) -> Mapping[str, int]:
        """Returns the number of rows of each table, in the order of copying. Call it first.

        Raises CopyRefused unless the destination is empty, except for the first categories, or holds a part of this
        copy.
        """

    async def copy(self, progress: Callable[[int], None]) -> None:
        """Adds the rows that the destination lacks; `progress` receives the number of further rows."""

    async def verify(self, progress: Callable[[int], None]) -> tuple[TableCopied, ...]:
        """Reads both sides again and compares them. Raises CopyRefused if they differ."""
