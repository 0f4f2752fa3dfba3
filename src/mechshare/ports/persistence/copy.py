"""Copying all rows of one database into another."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class TableCopied:
    """A table that has the same rows on both sides, `already` of them from an earlier run.

    `digest` is a SHA-256 over all values of all rows, in 64 hexadecimal digits, whatever their order.
    """

    table: str
    rows: int
    already: int
    digest: str


class DatabaseCopy(Protocol):
    """All rows of one database on their way into another, while nobody else uses either of them.

    Values are copied exactly; but a job that runs at the source waits at the destination, without a lease. Killed at
    any moment and begun again, it ends with the same. Every method raises CopyRefused and Unavailable.
    """

    async def prepare(self) -> Mapping[str, int]:
        """How many rows each table has, in the order of copying. To be awaited first.

        Raises CopyRefused unless the destination is empty, the first categories aside, or holds a part of this copy.
        """

    async def copy(self, progress: Callable[[int], None]) -> None:
        """Adds the rows that the destination lacks; `progress` hears of so many rows more."""

    async def verify(self, progress: Callable[[int], None]) -> tuple[TableCopied, ...]:
        """Reads both sides again. Raises CopyRefused where they differ."""
