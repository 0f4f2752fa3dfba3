"""The file of the SQLite search index: opens it, checks it, and recreates it when it is unusable."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import structlog

SCHEMA_VERSION = 14
"""Increased with every change of the tables or the tokens; a file of an older version is recreated. A newer one is left
alone, so that two releases, as during an upgrade, never recreate each other's."""
LATER_OPENING, FIRST_OPENING, AUTHOR_OPENING = range(3)
"""The kinds of openings: at a later word of a title, at its first one, and of an author's name."""
TITLE_AFTER = "\n"
"""Separates an opening, which contains none, from its title. Sorts before a space."""
MAX_CACHED_STATEMENTS = 64
"""Per connection: preparing one takes longer than most searches. That of a query of two words takes 50 kB, of a hundred
words 350 kB."""
BUSY_SECONDS = 5.0
"""How long a write waits for writes of other processes."""

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
        is_public INTEGER NOT NULL, created_at INTEGER NOT NULL, user_id TEXT NOT NULL,
        duration INTEGER, period REAL, motion TEXT, loops INTEGER NOT NULL,
        reliability INTEGER NOT NULL, license TEXT,
        line TEXT NOT NULL, title_spelling TEXT NOT NULL,
        title_words TEXT NOT NULL, category_words TEXT NOT NULL, author_words TEXT NOT NULL,
        author TEXT NOT NULL, username TEXT NOT NULL, title TEXT NOT NULL, description TEXT NOT NULL,
        passages TEXT NOT NULL
    ) STRICT
    """,  # the description and the passages, JSON of [[page, text], ...], last: only displayed hits read them
    "CREATE INDEX document_by_age ON document (created_at DESC, id)",
    "CREATE INDEX document_by_reliability ON document (reliability DESC, created_at DESC, id)",
    "CREATE INDEX document_by_line ON document (line)",
    "CREATE TABLE removed (id TEXT PRIMARY KEY, version INTEGER NOT NULL, touched INTEGER NOT NULL) STRICT",
    """
    CREATE TABLE category (
        document INTEGER NOT NULL, id TEXT NOT NULL, PRIMARY KEY (document, id)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE parameter (
        document INTEGER NOT NULL, key TEXT NOT NULL, quantity TEXT NOT NULL, number REAL NOT NULL,
        PRIMARY KEY (document, key)
    ) STRICT, WITHOUT ROWID
    """,  # the numbers, in the coherent unit of their quantity
    """
    CREATE TABLE audience (
        document INTEGER NOT NULL, term TEXT NOT NULL, PRIMARY KEY (document, term)
    ) STRICT, WITHOUT ROWID
    """,  # of documents that are not public
    """
    CREATE TABLE opening (
        audience TEXT NOT NULL, kind INTEGER NOT NULL, text TEXT NOT NULL, document INTEGER NOT NULL,
        PRIMARY KEY (audience, kind, text, document)
    ) STRICT, WITHOUT ROWID
    """,  # for each term of the audience; the text ends with the whole title or name, which suggestions read
    # Every token of any document that was ever public, to expand prefixes and to find near words.
    "CREATE TABLE word (text TEXT PRIMARY KEY) STRICT, WITHOUT ROWID",
    # The text is already tokenized and separated by spaces; this tokenizer treats all non-ASCII as token characters.
    """
    CREATE VIRTUAL TABLE words USING fts5 (
        title, categories, author, description, passages, tokenize = "ascii tokenchars '=+#.'"
    )
    """,
)
_NAMES = frozenset(
    {"state", "document", "removed", "category", "parameter", "audience", "opening", "word", "words"}
)


class NewerVersion(sqlite3.DatabaseError):
    """A newer release wrote the index. `mechshare reindex` replaces it if the upgrade is taken back."""


def connect(path: Path) -> sqlite3.Connection:
    """Returns a connection to the index at `path`; creates a missing file and recreates an unusable one, empty.

    Raises NewerVersion, sqlite3.Error, OSError. Threads may share the connection, one at a time.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with _exclusive(path):
        if not _is_sound(path):
            _recreate(path)
        return _connect(path)


def was_replaced(path: Path, inode: int) -> bool:
    """Whether the file at `path` is missing, truncated to nothing or no longer the one with this inode."""
    try:
        found = path.stat()
        return found.st_ino != inode or found.st_size == 0
    except FileNotFoundError:
        return True


def is_damage(error: sqlite3.Error) -> bool:
    """Whether `error` reports that the file itself is damaged."""
    primary_code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return primary_code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def discard_if_damaged(path: Path) -> None:
    """Checks the whole file and recreates it if it is damaged. Raises sqlite3.Error, OSError."""
    with _exclusive(path):
        if not (_is_sound(path) and _is_intact(path)):
            _recreate(path)


def discard_if_newer(path: Path) -> None:
    """Recreates an index of a newer version, empty. Raises sqlite3.Error, OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with _exclusive(path):
        try:
            _is_sound(path)
        except NewerVersion:
            _recreate(path)


def require_version(connection: sqlite3.Connection) -> None:
    """Raises NewerVersion if another process has meanwhile recreated the index in a newer version."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > SCHEMA_VERSION:
        raise NewerVersion(f"its version is {version}, this release uses {SCHEMA_VERSION}")


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[int]:
    """Runs an atomic write; gives its number, which grows with every write."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        require_version(connection)
        (number,) = connection.execute("UPDATE state SET changes = changes + 1 RETURNING changes").fetchone()
        yield number
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def _exclusive(path: Path) -> Iterator[None]:
    """Locks the index among processes: two that found it damaged would each discard the other's new file."""
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
        cached_statements=MAX_CACHED_STATEMENTS,
    )
    try:
        connection.execute("PRAGMA journal_mode = WAL").fetchone()
        connection.execute("PRAGMA synchronous = FULL")
    except BaseException:
        connection.close()
        raise
    return connection


def _is_sound(path: Path) -> bool:
    """Whether there is a database of this SCHEMA_VERSION with all tables."""
    if not path.exists() or _is_empty(path):
        return False
    try:
        with closing(_connect(path)) as connection:
            require_version(connection)
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


def _is_empty(path: Path) -> bool:
    """Whether the file was truncated to nothing: SQLite writes the first page when it creates an index."""
    return path.stat().st_size == 0


def _recreate(path: Path) -> None:
    if path.exists():
        structlog.get_logger(__name__).warning(
            "search_index_recreated", path=str(path), remedy="mechshare reindex"
        )
        if _is_empty(path):
            # Idle connections of other processes hold locks on this file; they open the new one at their next use.
            _delete(path)
    try:
        with closing(_connect(path)) as connection:
            _drop_and_create(connection)
    except sqlite3.Error as error:
        if not is_damage(error):
            raise
        _delete(path)
        with closing(_connect(path)) as connection:
            _drop_and_create(connection)


def _delete(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _drop_and_create(connection: sqlite3.Connection) -> None:
    """Recreates the tables in place: a process of another version then gets errors and never writes to a lost file."""
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
    """Returns the names of all tables, virtual tables first: dropping one drops its shadow tables too."""
    rows = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
        " ORDER BY sql LIKE 'CREATE VIRTUAL%' DESC"
    )
    return [name.replace('"', '""') for (name,) in rows]
