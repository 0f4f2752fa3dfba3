"""The passages of documents that a search shows, from the SQLite search index."""

import json
import sqlite3
from collections.abc import Mapping, Sequence

from mechshare.adapters.search.text.passages import Passage, best_passages
from mechshare.adapters.search.text.query import ParsedQuery

_PASSAGES = """
    SELECT d.id, d.passages, w.passages FROM document d JOIN words w ON w.rowid = d.row
    WHERE d.id IN (SELECT value FROM json_each(:ids)) AND d.passages <> '[]'
"""


def find_passages(
    connection: sqlite3.Connection, parsed: ParsedQuery, ids: Sequence[str]
) -> Mapping[str, Passage]:
    """Returns by identifier the passages that match best, of those mechanisms that have one."""
    if not ids or not parsed.clauses:
        return {}
    rows = connection.execute(_PASSAGES, {"ids": json.dumps(ids)}).fetchall()
    best = best_passages(parsed, [words for _, _, words in rows])
    return {
        key: Passage(*json.loads(passages)[number])
        for (key, passages, _), number in zip(rows, best, strict=True)
        if number is not None
    }
