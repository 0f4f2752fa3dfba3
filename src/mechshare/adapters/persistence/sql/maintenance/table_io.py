"""The rows of every table as plain values, the same from each database: read in batches, counted and digested."""

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
"""Rows read, or written in one transaction, at a time."""
Values = tuple[Any, ...]


def plain_tables() -> list[Table]:
    """Every table, after those it refers to, with JSON as the text that stands there. Jobs come last, and then what
    belongs to them: a worker that finds one finds all that it is about."""
    plain = MetaData()
    for table in metadata.tables.values():
        for column in table.to_metadata(plain).columns:
            if isinstance(column.type, JsonColumn):
                column.type = Text()
    last = ("jobs", "job_attempts")
    return sorted(plain.sorted_tables, key=lambda table: table.name in last)


def as_copied(table: Table) -> list[ColumnElement[Any]]:
    """The columns as another database is to have them: a job that runs here waits there, without its lease."""
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
    """All rows, or those beyond the primary key `after`, in the order of their primary key."""
    key = list(table.primary_key.columns)
    statement = select(*columns).order_by(*key).limit(BATCH)
    while True:
        wanted = statement if after is None else statement.where(tuple_(*key) > after)
        found = [tuple(row) for row in await connection.execute(wanted)]
        if found:
            yield found
        if len(found) < BATCH:
            return
        after = key_of(table, found[-1])


def key_of(table: Table, row: Values) -> Values:
    names = list(table.columns.keys())
    return tuple(row[names.index(column.key)] for column in table.primary_key.columns)


class Digest:
    """Of rows in any order, since databases sort text each in its own way: the sum of the SHA-256 of each."""

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
        """64 hexadecimal digits."""
        return f"{self._sum % 2**256:064x}"
