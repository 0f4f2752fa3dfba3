"""Bulk inserts directly into the tables: by COPY on PostgreSQL, by `executemany` in one transaction on SQLite."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, Table, create_engine, insert, make_url, text

from bench.data import Batch, Row
from mechshare.adapters.persistence.sql.tables import mechanism_categories, mechanisms, users

_REBUILD_INDEXES_FROM = 20_000
"""From this many rows on, it is faster to create the indexes after the insert."""


def open_engine(database_url: str) -> Engine:
    """Returns an engine for a database URL of mechshare."""
    url = make_url(database_url)
    driver = {"postgresql": "postgresql+psycopg", "sqlite": "sqlite"}[url.drivername]
    return create_engine(url.set(drivername=driver))


def fill(engine: Engine, owners: Iterable[Row], batches: Iterable[Batch], *, count: int) -> None:
    """Inserts users and `count` mechanisms, and leaves the database as after a period of rest."""
    indexes = [index for table in (mechanisms, mechanism_categories) for index in table.indexes]
    with engine.connect() as connection:
        _be_quick(connection)
        connection.commit()
        late = indexes if count >= _REBUILD_INDEXES_FROM else []
        with connection.begin():
            for index in late:
                index.drop(connection)
            put(connection, users, list(owners))
            for batch in batches:
                put_batch(connection, batch)
            for index in late:
                index.create(connection)
    settle(engine)


def put_batch(connection: Connection, batch: Batch) -> None:
    put(connection, mechanisms, batch.mechanisms)
    put(connection, mechanism_categories, batch.categories)


def put(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Inserts rows of domain values, in the order of the table's columns."""
    converted = _converted(connection, table, rows)
    if connection.dialect.name == "sqlite":
        statement = str(insert(table).compile(dialect=connection.dialect))
        connection.exec_driver_sql(statement, converted)
        return
    names = ", ".join(column.name for column in table.columns)
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY {table.name} ({names}) FROM STDIN") as copy:
        for row in converted:
            copy.write_row(row)


def settle(engine: Engine) -> None:
    """Does the maintenance that a server does some time after many inserts, so that it does not disturb a
    measurement."""
    with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("VACUUM ANALYZE"))
            connection.execute(text("CHECKPOINT"))
        else:
            connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))


def _be_quick(connection: Connection) -> None:
    """Relaxes safety for this connection alone: the rows are known to be valid, and are created again after a crash."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET session_replication_role = replica"))
        connection.execute(text("SET maintenance_work_mem = '512MB'"))
    else:
        connection.execute(text("PRAGMA synchronous = OFF"))
        connection.execute(text("PRAGMA cache_size = -200000"))


def _converted(connection: Connection, table: Table, rows: Sequence[Row]) -> list[Row]:
    """Returns the rows as the driver expects them, converted by the types of the columns."""
    converters: list[tuple[int, Callable[[Any], Any]]] = []
    for place, column in enumerate(table.columns):
        processor = column.type.dialect_impl(connection.dialect).bind_processor(connection.dialect)
        if processor is not None:
            converters.append((place, processor))
    converted = []
    for row in rows:
        values = list(row)
        for place, convert in converters:
            values[place] = convert(values[place])
        converted.append(tuple(values))
    return converted
