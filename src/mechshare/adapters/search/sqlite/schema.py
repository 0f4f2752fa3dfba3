"""The file of the SQLite search index: opened, checked, and begun anew when it is not what it should be."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import structlog

SCHEMA_VERSION = 5
"""Raised with every change of the tables or of what tokens are; a file of any other version is begun anew."""
TITLE_AFTER = "\n"
"""What stands between an opening, which holds none, and its title; before a space in the alphabet."""
_MAX_CACHED_STATEMENTS = 16
"""For each connection: that of a question of a hundred words takes 350 kB."""
BUSY_SECONDS = 5.0
"""How long a write waits for those of other processes."""

_SCHEMA = (
    """
    CREATE TABLE state (
        one INTEGER PRIMARY KEY CHECK (one = 1), birth TEXT NOT NULL, changes INTEGER NOT NULL,
        is_complete INTEGER NOT NULL
    ) STRICT
    """,
    "INSERT INTO state VALUES (1, hex(randomblob(16)), 0, 0)",
    """
    CREATE TABLE document (
        row INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, version INTEGER NOT NULL, touched INTEGER NOT NULL,
        is_published INTEGER NOT NULL, created_at INTEGER NOT NULL, user_id TEXT NOT NULL,
        line TEXT NOT NULL, title_words TEXT NOT NULL, category_words TEXT NOT NULL, author_words TEXT NOT NULL,
        title TEXT NOT NULL, description TEXT NOT NULL
    ) STRICT
    """,  # the description last, so that finding and ranking read past it only for what is shown
    "CREATE INDEX document_by_age ON document (created_at DESC, id)",
    "CREATE INDEX document_by_line ON document (line)",
    "CREATE TABLE removed (id TEXT PRIMARY KEY, version INTEGER NOT NULL, touched INTEGER NOT NULL) STRICT",
    """
    CREATE TABLE category (
        document INTEGER NOT NULL, id TEXT NOT NULL, PRIMARY KEY (document, id)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE opening (
        is_first INTEGER NOT NULL, text TEXT NOT NULL, document INTEGER NOT NULL,
        PRIMARY KEY (is_first, text, document)
    ) STRICT, WITHOUT ROWID
    """,  # of what is published; the text ends with the whole title, so that suggesting reads nothing else
    # Every token that a document has held: a beginning is answered by the few that go on from it.
    "CREATE TABLE word (text TEXT PRIMARY KEY) STRICT, WITHOUT ROWID",
    # Tokens come ready made and apart by spaces: everything outside ASCII is a token character to this tokenizer.
    """
    CREATE VIRTUAL TABLE words USING fts5 (
        title, categories, author, description, tokenize = "ascii tokenchars '=+#.'"
    )
    """,
)
_NAMES = frozenset({"state", "document", "removed", "category", "opening", "word", "words"})


def connect(path: Path) -> sqlite3.Connection:
    """A connection to the index at `path`, which is made (empty) or made anew when it has to be.

    Raises sqlite3.Error, OSError. The connection may move between threads, one at a time.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with _exclusive(path):
        if not _is_sound(path):
            _begin_anew(path)
    return _connect(path)


def was_replaced(path: Path, inode: int) -> bool:
    """Whether the file at `path` is gone, or is another one than when its inode was read."""
    try:
        return path.stat().st_ino != inode
    except FileNotFoundError:
        return True


def is_damage(error: sqlite3.Error) -> bool:
    """Whether `error` says that the file itself is broken."""
    primary_code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return primary_code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def discard_if_damaged(path: Path) -> None:
    """Looks through the whole file; what is broken is begun anew. Raises sqlite3.Error, OSError."""
    with _exclusive(path):
        if not (_is_sound(path) and _is_intact(path)):
            _begin_anew(path)


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[int]:
    """A write that all of it or none of it happens; gives its number, which grows with every write."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        (number,) = connection.execute("UPDATE state SET changes = changes + 1 RETURNING changes").fetchone()
        yield number
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def _exclusive(path: Path) -> Iterator[None]:
    """One process at a time opens the index: two that found it broken would each throw the other's away."""
    lock = sqlite3.connect(path.with_name(path.name + ".lock"), timeout=30.0, isolation_level=None)
    with closing(lock):
        lock.execute("BEGIN EXCLUSIVE")
        yield


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=_MAX_CACHED_STATEMENTS,
    )
    try:
        connection.execute("PRAGMA journal_mode = WAL").fetchone()
        connection.execute("PRAGMA synchronous = FULL")
    except BaseException:
        connection.close()
        raise
    return connection


def _is_sound(path: Path) -> bool:
    """Whether there is a database of our version with our tables."""
    if not path.exists():
        return False
    try:
        with closing(_connect(path)) as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            return version == SCHEMA_VERSION and set(_tables(connection)) >= _NAMES
    except sqlite3.Error as error:
        if is_damage(error):
            return False
        raise


def _is_intact(path: Path) -> bool:
    try:
        with closing(_connect(path)) as connection:
            connection.execute("INSERT INTO words (words) VALUES ('integrity-check')")
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            return str(verdict) == "ok"
    except sqlite3.Error as error:
        if is_damage(error):
            return False
        raise


def _begin_anew(path: Path) -> None:
    if path.exists():
        structlog.get_logger(__name__).warning(
            "search_index_begun_anew", path=str(path), remedy="mechshare reindex"
        )
    try:
        with closing(_connect(path)) as connection:
            _drop_and_create(connection)
    except sqlite3.Error as error:
        if not is_damage(error):
            raise
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        with closing(_connect(path)) as connection:
            _drop_and_create(connection)


def _drop_and_create(connection: sqlite3.Connection) -> None:
    """In place, so that a process of another version is told by errors instead of writing to a file nobody reads."""
    connection.execute("BEGIN EXCLUSIVE")
    try:
        for name in _tables(connection):
            connection.execute(f'DROP TABLE IF EXISTS "{name}"')
        for statement in _SCHEMA:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _tables(connection: sqlite3.Connection) -> list[str]:
    """Virtual tables first: they take their own storage with them."""
    rows = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
        " ORDER BY sql LIKE 'CREATE VIRTUAL%' DESC"
    )
    return [name.replace('"', '""') for (name,) in rows]
