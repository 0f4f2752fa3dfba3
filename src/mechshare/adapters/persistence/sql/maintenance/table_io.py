"""Reads the rows of every table as plain values, which are the same for every database: in batches, with digests."""

from collections.abc import AsyncIterator, Sequence
from hashlib import sha256
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, MetaData, Table, Text, case, literal, null, select, tuple_, type_coerce
from sqlalchemy.ext.asyncio import AsyncConnection

from mechshare.adapters.persistence.sql.schema import metadata
from mechshare.adapters.persistence.sql.types import JsonColumn, UtcTime
from mechshare.domain.jobs import JobState

BATCH = 1000
"""Rows per read and per write transaction."""
Values = tuple[Any, ...]


def plain_tables() -> list[Table]:
    """Returns every table, after those it refers to, with JSON columns as text.

    Jobs and then their attempts come last: the data of a job is there before a worker can find the job.
    """
    plain = MetaData()
    for table in metadata.tables.values():
        for column in table.to_metadata(plain).columns:
            if isinstance(column.type, JsonColumn):
                column.type = Text()
    last = ("jobs", "job_attempts")
    return sorted(plain.sorted_tables, key=lambda table: table.name in last)


def as_copied(table: Table) -> list[ColumnElement[Any]]:
    """Returns the columns as the destination stores them: a running job becomes a queued one without a lease."""
    if table.name != "jobs":
        return list(table.columns)
    is_running = table.c.state == JobState.RUNNING.value
    other = {
        "state": case((is_running, literal(JobState.QUEUED.value)), else_=table.c.state),
        "lease_until": type_coerce(null(), UtcTime()),
    }
    return [other.get(column.name, column).label(column.name) for column in table.columns]


async def batches(
    connection: AsyncConnection,
    table: Table,
    columns: Sequence[ColumnElement[Any]],
    after: Values | None = None,
) -> AsyncIterator[list[Values]]:
    """Yields all rows, or those after the primary key `after`, in the order of the primary key: BATCH at a time."""
    key = list(table.primary_key.columns)
    statement = select(*columns).order_by(*key).limit(BATCH)
    while True:
        rest = statement if after is None else statement.where(tuple_(*key) > after)
        found = [tuple(row) for row in await connection.execute(rest)]
        if found:
            yield found
        if len(found) < BATCH:
            return
        after = key_of(table, found[-1])


def key_of(table: Table, row: Values) -> Values:
    names = list(table.columns.keys())
    return tuple(row[names.index(column.key)] for column in table.primary_key.columns)


class Digest:
    """The sum of the SHA-256 of each row, modulo 2^256. Order does not matter: databases sort text differently."""

    def __init__(self) -> None:
        self.rows = 0
        self._sum = 0

    def add(self, row: Values) -> None:
        self.rows += 1
        self._sum += int.from_bytes(sha256(msgspec.msgpack.encode(row)).digest(), "big")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Digest) and (self.rows, str(self)) == (other.rows, str(other))

    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        """Returns 64 hexadecimal digits."""
        return f"{self._sum % 2**256:064x}"
