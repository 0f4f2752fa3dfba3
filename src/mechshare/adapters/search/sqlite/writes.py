"""Writes to the SQLite search index. Each function is one transaction."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from mechshare.adapters.search.sqlite.schema import (
    AUTHOR_OPENING,
    FIRST_OPENING,
    LATER_OPENING,
    TITLE_AFTER,
    transaction,
)
from mechshare.adapters.search.text.normalization import normalize_line
from mechshare.adapters.search.text.passages import passages_of
from mechshare.adapters.search.text.ranking import (
    author_openings,
    microseconds,
    searched_words,
    title_spelling,
)
from mechshare.adapters.search.text.tokenizer import openings
from mechshare.domain.audiences import PUBLIC_AUDIENCE, Audience
from mechshare.domain.ids import MechanismId
from mechshare.domain.search_documents import SearchDocument

Opening = tuple[str, int, str]
"""(term of the audience, kind, opening + TITLE_AFTER + title or name of the author)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A document with everything derived from it, computed before the transaction for which others wait."""

    document: SearchDocument
    line: str
    spelling: str
    words: tuple[str, ...]
    openings: tuple[Opening, ...]


def prepare(document: SearchDocument) -> Prepared:
    return Prepared(
        document=document,
        line=normalize_line(document.title),
        spelling=title_spelling(document),
        words=searched_words(document),
        openings=_openings(document.audience, document.title, document.author_name, document.author_username),
    )


def put(
    connection: sqlite3.Connection, documents: Sequence[Prepared], *, unless_newer_since: int = -1
) -> None:
    """Stores all `documents` or none, except those outdated by a change after number `unless_newer_since`.

    A change outdates a document if it stored a newer version or removed this one. Replaces what earlier changes stored,
    whatever its version.
    """
    public = (prepared for prepared in documents if prepared.document.is_public)
    tokens = sorted({token for prepared in public for text in prepared.words for token in text.split()})
    with transaction(connection) as change:
        connection.executemany("INSERT OR IGNORE INTO word VALUES (?)", ((token,) for token in tokens))
        for prepared in documents:
            if not _is_superseded(connection, prepared.document, unless_newer_since):
                row, _ = _delete(connection, prepared.document.mechanism_id)
                connection.execute("DELETE FROM removed WHERE id = ?", (prepared.document.mechanism_id,))
                _insert(connection, prepared, change, row)


def remove(connection: sqlite3.Connection, mechanism_id: MechanismId, version: int) -> None:
    with transaction(connection) as change:
        _, current = _delete(connection, mechanism_id)
        connection.execute(
            "INSERT INTO removed VALUES (:id, :version, :change) ON CONFLICT (id)"
            " DO UPDATE SET version = max(version, :version), touched = :change",
            {
                "id": mechanism_id,
                "version": version if current is None else max(current, version),
                "change": change,
            },
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuild:
    """Changes after number `began` belong to the rebuild or were made meanwhile. `birth` identifies the tables."""

    began: int
    birth: str


def begin_rebuild(connection: sqlite3.Connection) -> Rebuild:
    with transaction(connection) as change:
        return Rebuild(began=change, birth=_birth(connection))


def end_rebuild(connection: sqlite3.Connection, rebuild: Rebuild) -> None:
    """Deletes documents not changed since the rebuild began. Raises sqlite3.Error if the tables were recreated."""
    with transaction(connection):
        if _birth(connection) != rebuild.birth:
            raise sqlite3.DatabaseError("another process started the rebuild of the search index again")
        rows = connection.execute("SELECT id FROM document WHERE touched <= ?", (rebuild.began,)).fetchall()
        for (mechanism_id,) in rows:
            _delete(connection, mechanism_id)
        connection.execute("UPDATE state SET is_complete = 1")


def _birth(connection: sqlite3.Connection) -> str:
    return str(connection.execute("SELECT birth FROM state").fetchone()[0])


def _is_superseded(connection: sqlite3.Connection, document: SearchDocument, since: int) -> bool:
    parameters = {"id": document.mechanism_id, "version": document.version, "since": since}
    newer = connection.execute(
        "SELECT 1 FROM document WHERE id = :id AND version > :version AND touched > :since"
        " UNION ALL SELECT 1 FROM removed WHERE id = :id AND version >= :version AND touched > :since",
        parameters,
    )
    return newer.fetchone() is not None


def _delete(connection: sqlite3.Connection, mechanism_id: str) -> tuple[int | None, int | None]:
    """Deletes the mechanism; returns its row and version, or (None, None) if it was not in the index."""
    current = connection.execute(
        "DELETE FROM document WHERE id = ? RETURNING row, version, title, author, username, is_public",
        (mechanism_id,),
    ).fetchone()
    if current is None:
        return None, None
    row, version, title, author, username, is_public = current
    connection.execute("DELETE FROM words WHERE rowid = ?", (row,))
    connection.execute("DELETE FROM category WHERE document = ?", (row,))
    connection.execute("DELETE FROM parameter WHERE document = ?", (row,))
    gone = connection.execute("DELETE FROM audience WHERE document = ? RETURNING term", (row,)).fetchall()
    audience = PUBLIC_AUDIENCE if is_public else tuple(term for (term,) in gone)
    connection.executemany(
        "DELETE FROM opening WHERE audience = ? AND kind = ? AND text = ? AND document = ?",
        [(*opening, row) for opening in _openings(audience, title, author, username)],
    )
    return row, version


def _insert(connection: sqlite3.Connection, prepared: Prepared, change: int, row: int | None) -> None:
    """Reuses the previous row, so that rows are roughly in the order in which mechanisms were created."""
    document = prepared.document
    values = {"row": row, "touched": change, **_values_of(prepared)}
    columns, places = ", ".join(values), ", ".join(f":{name}" for name in values)
    row = connection.execute(
        f"INSERT INTO document ({columns}) VALUES ({places})",  # noqa: S608 - contains only names of columns
        values,
    ).lastrowid
    connection.execute(
        "INSERT INTO words (rowid, title, categories, author, description, passages)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (row, *prepared.words),
    )
    connection.executemany(
        "INSERT OR IGNORE INTO category VALUES (?, ?)",
        [(row, category) for category in document.category_ids],
    )
    connection.executemany(
        "INSERT INTO parameter VALUES (?, ?, ?, ?)",
        [
            (row, one.key, one.quantity, one.coherent_number)
            for one in document.parameters
            if one.number is not None
        ],
    )
    if not document.is_public:
        connection.executemany(
            "INSERT OR IGNORE INTO audience VALUES (?, ?)", [(row, term) for term in document.audience]
        )
    connection.executemany(
        "INSERT OR IGNORE INTO opening VALUES (?, ?, ?, ?)",
        [(*opening, row) for opening in prepared.openings],
    )


def _values_of(prepared: Prepared) -> dict[str, object]:
    """Returns what the table `document` stores of a document, by column."""
    document = prepared.document
    title_words, category_words, author_words, *_ = prepared.words
    return {
        "id": document.mechanism_id,
        "version": document.version,
        "title": document.title,
        "line": prepared.line,
        "title_spelling": prepared.spelling,
        "title_words": title_words,
        "category_words": category_words,
        "author_words": author_words,
        "author": document.author_name,
        "username": document.author_username,
        "description": document.description,
        "user_id": document.user_id,
        "is_public": document.is_public,
        "created_at": microseconds(document.created_at),
        "duration": document.duration_ms,
        "period": document.period_ms,
        "motion": document.motion,
        "loops": document.loops,
        "reliability": document.reliability,
        "license": document.license,
        "passages": json.dumps(passages_of(document.pages), ensure_ascii=False),
    }


def _openings(audience: Audience, title: str, author: str, username: str) -> tuple[Opening, ...]:
    of_title = (
        (LATER_OPENING if number else FIRST_OPENING, text + TITLE_AFTER + title)
        for number, text in enumerate(openings(title))
    )
    of_author = ((AUTHOR_OPENING, text + TITLE_AFTER + author) for text in author_openings(author, username))
    texts = (*of_title, *of_author)
    return tuple((term, *text) for term in audience for text in texts)
