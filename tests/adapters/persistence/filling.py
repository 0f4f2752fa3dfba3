"""A database with rows in every table, some of them with odd values, and the content of any database."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zlib import crc32

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Float,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    create_engine,
    insert,
    select,
    type_coerce,
    update,
)

from mechshare.adapters.persistence.sql.database import SqlDatabase
from mechshare.adapters.persistence.sql.schema import metadata
from mechshare.adapters.persistence.sql.types import JsonColumn, UtcTime
from tests.servers import SERVER_TIMEOUT, sqlite_database

AT = datetime(2026, 2, 28, 23, 59, 59, 999_999, tzinfo=UTC)
ODD_JSON = '{"code": "crashed",  "detail": "歯車", "from_a_later_version": [1, 2.50]}'
"""JSON that this program would not write."""
LARGE = ("users", "mechanisms", "jobs", "receipts", "blob_references")
"""Tables that tests fill with more than a batch of rows: one for each kind of primary key, as tables of a kind are
read by the same code."""
_filled_files: dict[tuple[int, int], bytes] = {}


def uuid(kind: int, number: int) -> str:
    # Scattered, so that consecutive rows do not lie next to each other.
    return f"{(number * 2_654_435_761) % 2**32:08x}-0000-7000-8000-{kind:04x}{number:08x}"


def at(number: int) -> datetime:
    return AT - timedelta(seconds=number, microseconds=number)


def users(count: int) -> Iterator[dict[str, Any]]:
    for n in range(count):
        yield {
            "id": uuid(1, n),
            "username": f"u{n}",
            "email": f"u{n}@example.com",
            "display_name": "佐倉 🛠",
            "bio": "line\nline\t\"'\\" if n % 2 else "",
            "role": "user",
            "suspended_at": at(n) if n % 5 == 0 else None,
            "created_at": at(n),
            "updated_at": at(0),
            "version": n + 1,
        }


def mechanisms(count: int) -> Iterator[dict[str, Any]]:
    for n in range(count):
        yield {
            "id": uuid(2, n),
            "user_id": uuid(1, n),
            "title": ("か\u3099", "が", "Ärmel", "zebra")[n % 4],
            "description": "遊星歯車" * (n % 50),
            "file_url": f"blob:media/{uuid(2, n)}/1-0.mp4",
            "duration": (0.1 + 0.2, 1e-9, 123456.789, None)[n % 4],
            "created_at": at(n),
            "updated_at": datetime(1970, 1, 1, tzinfo=UTC),
            "is_public": n % 3 > 0,
            "processing_state": "ready",
            "version": 1,
        }


def jobs(count: int) -> Iterator[dict[str, Any]]:
    states = ("queued", "running", "done", "failed", "cancelled")
    for n in range(count):
        state = states[n % 5]
        yield {
            "id": uuid(3, n),
            "kind": "index_mechanism",
            "subject": uuid(2, n),
            "state": state,
            "attempt": n % 5,
            "fence": n,
            "run_after": at(n),
            "lease_until": at(n) if state == "running" else None,
            "step": "encode" if state == "running" else "",
            "progress": 0.25,
            "request_id": "r",
            "created_at": at(n),
            "ended_at": at(0) if n % 5 > 1 else None,
        }


def rows_of(table: str, count: int) -> list[dict[str, Any]]:
    """Returns `count` rows of `table` with stored values; for categories a few."""
    n = range(count)
    few = range(min(count, 7))
    made: dict[str, Any] = {
        "users": lambda: users(count),
        "mechanisms": lambda: mechanisms(count),
        "jobs": lambda: jobs(count),
        "job_attempts": lambda: (
            {"job_id": uuid(3, i), "number": 1, "started_at": at(i), "ended_at": at(0), "step": "encode"}
            for i in n
        ),
        "credentials": lambda: ({"user_id": uuid(1, i), "password_hash": f"$argon2id${i}"} for i in n),
        "sessions": lambda: (
            {
                "id": uuid(4, i),
                "user_id": uuid(1, i),
                "created_at": at(i),
                "last_used_at": at(i),
                "expires_at": at(0),
                "revoked_at": at(1) if i % 2 else None,
                "user_agent": "ua",
                "address": "2001:db8::1",
            }
            for i in n
        ),
        "refresh_tokens": lambda: (
            {"hash": f"{i:064x}", "session_id": uuid(4, i), "issued_at": at(i), "consumed_at": None}
            for i in n
        ),
        "categories": lambda: (
            {
                "id": f"c-{i}",
                "name_en": f"C {i}",
                "name_ja": "歯車",
                "created_at": at(i),
                "updated_at": at(i),
                "version": 1,
            }
            for i in few
        ),
        "mechanism_categories": lambda: (
            {
                "category_id": f"c-{i % len(few)}",
                "mechanism_id": uuid(2, i),
                "position": 0,
                "created_at": at(i),
                "is_published": i % 3 > 0,
            }
            for i in n
        ),
        "blob_references": lambda: (
            {
                "key": f"media/{uuid(2, i)}/1-0.mp4",
                "owner_kind": "mechanism",
                "owner_id": uuid(2, i),
                "role": "video",
                "size": 5_000_000_000 + i if i % 2 else None,
                "sha256": f"{i:064x}" if i % 2 else None,
                "created_at": at(i),
            }
            for i in n
        ),
        "receipts": lambda: (
            {
                "scope": ("A", "a", "é", "Z", "-")[i % 5],
                "key": f"{'é' * (i % 3)}{i}",
                "fingerprint": "f",
                "response": bytes(range(256)) if i % 2 else b"",
                "created_at": at(i),
            }
            for i in n
        ),
        "audit": lambda: (
            {
                "id": uuid(5, i),
                "at": at(i),
                "action": "denied",
                "actor_id": uuid(1, i) if i % 2 else None,
                "subject": "",
                "address": "",
                "request_id": "",
                "detail": "d",
            }
            for i in n
        ),
    }
    return list(made[table]()) if table in made else plain_rows_of(metadata.tables[table], count)


def plain_rows_of(table: Table, count: int) -> list[dict[str, Any]]:
    """Returns `count` rows of a table without special rows: each value follows from its column's type and the row's
    number."""
    columns = {column.name: plain_values(column, count) for column in table.columns}
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def plain_values(column: Column[Any], count: int) -> list[Any]:
    for key in column.foreign_keys:
        rows = rows_of(key.column.table.name, count)
        return [rows[n % len(rows)][key.column.name] for n in range(count)]
    return [plain_value(column, n) for n in range(count)]


def plain_value(column: Column[Any], n: int) -> Any:
    if column.nullable and n % 3 == 0:
        return None
    match column.type:
        case JsonColumn():
            return ()
        case UtcTime():
            return at(n)
        case String(length=36):
            return uuid(crc32(column.table.name.encode()) % 2**16, n)
        case String(length=length):
            return f"{column.name} {n}"[-(length or 100) :]
        case LargeBinary():
            return n.to_bytes(4, "big")
        case Boolean():
            return n % 2 == 0
        case Float():
            return n + 0.5
        case Integer():
            return n + 1
    raise TypeError(f"there is no plain value for {column}: write rows for it")


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    engine = create_engine(url.partition("?")[0].replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        yield connection
    engine.dispose()


async def fill(url: str, count: int, *, large: int = 0) -> None:
    """Creates a database at `url` with `count` rows in each table, fewer categories, and `large` in those of LARGE."""
    path = Path(url.removeprefix("sqlite:///").partition("?")[0])
    if not url.startswith("sqlite:") or path.exists():
        database = SqlDatabase(url, timeout=SERVER_TIMEOUT)
        await database.migrate()
        await database.close()
        _insert_rows(url, count, large)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(await _filled_file(count, large))


async def _filled_file(count: int, large: int) -> bytes:
    """Returns a filled SQLite file; each is made once, since copying one is much faster."""
    if (count, large) not in _filled_files:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "template.db"
            _insert_rows(await sqlite_database(path), count, large)
            _filled_files[count, large] = path.read_bytes()
    return _filled_files[count, large]


def _insert_rows(url: str, count: int, large: int) -> None:
    with connected(url) as connection:
        for table in metadata.sorted_tables:
            rows = max(count, large) if table.name in LARGE else count
            connection.execute(insert(table), rows_of(table.name, rows))
        failed = metadata.tables["mechanisms"]
        odd = {"failure": type_coerce(ODD_JSON, Text())}
        connection.execute(update(failed).where(failed.c.id == uuid(2, 0)).values(odd))


def stands_in(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Returns every value of every row, JSON as text."""
    found = {}
    with connected(url) as connection:
        for table in metadata.sorted_tables:
            columns = [
                type_coerce(column, Text()) if isinstance(column.type, JsonColumn) else column
                for column in table.columns
            ]
            found[table.name] = sorted((tuple(row) for row in connection.execute(select(*columns))), key=repr)
    return found
