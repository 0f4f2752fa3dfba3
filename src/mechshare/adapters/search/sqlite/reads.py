"""Reads of the SQLite search index. Each function sees one consistent state."""

import math
import sqlite3
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from typing import Any

from mechshare.adapters.search.sqlite.parameters import match_expression, parameters
from mechshare.adapters.search.sqlite.passages import find_passages
from mechshare.adapters.search.sqlite.schema import MAX_CACHED_STATEMENTS
from mechshare.adapters.search.text.highlights import highlights_of_page
from mechshare.adapters.search.text.loosening import (
    is_loosened,
    loosened,
    most_edits,
    most_edits_unfound,
    nearest_words,
    typed_words,
)
from mechshare.adapters.search.text.passages import Passage
from mechshare.adapters.search.text.phrases import Phrase
from mechshare.adapters.search.text.query import Clause, ParsedQuery, parse_query
from mechshare.adapters.search.text.ranking import (
    BREVITY,
    EQUAL_TITLE,
    PLACES,
    RELATED,
    SPELLING,
    STRICT,
    WEIGHTS,
    moment_of,
)
from mechshare.domain.audiences import PUBLIC_AUDIENCE
from mechshare.domain.ids import CategoryId, MechanismId
from mechshare.domain.motion import MotionKind
from mechshare.domain.pagination import EXACT_TOTAL
from mechshare.domain.search import Hit, SearchPlace, SearchQuery, SearchResult, SearchSort, Synonyms

_STEPS = 10_000
"""Instructions of SQLite's virtual machine between two checks of the deadline."""
BEYOND = "\U0010ffff"
"""Appended to a prefix, this sorts after every text with the prefix."""
_MAX_EXPANDED_PREFIX = 16
"""Words to which a prefix is expanded, at most; each is searched for."""
_MAX_RANKED = EXACT_TOTAL + 1
"""Mechanisms that are ranked. If more match: the newest ones, and those whose title equals the query."""

_CONDITIONS = {
    "is_public": "d.is_public",
    "audience": """(d.is_public OR EXISTS (
        SELECT 1 FROM audience a WHERE a.document = d.row AND a.term IN (SELECT value FROM json_each(:audience))))""",
    "user_id": "d.user_id = :user_id",
    "categories": """EXISTS (
        SELECT 1 FROM category c WHERE c.document = d.row AND c.id IN (SELECT value FROM json_each(:categories)))""",
    "families": """NOT EXISTS (
        SELECT 1 FROM json_each(:families) f WHERE NOT EXISTS (
            SELECT 1 FROM category c WHERE c.document = d.row AND c.id IN (SELECT value FROM json_each(f.value))))""",
    "excluded": "d.id NOT IN (SELECT value FROM json_each(:excluded))",
    "created_from": "+d.created_at >= :created_from",
    "created_before": "+d.created_at < :created_before",
    "min_duration": "d.duration >= :min_duration",
    "max_duration": "d.duration <= :max_duration",
    "min_period": "d.period >= :min_period",
    "max_period": "d.period <= :max_period",
    "motion": "d.motion = :motion",
    "loops": "d.loops = :loops",
    "reliability_min": "+d.reliability >= :reliability_min",
    "licenses": "d.license IN (SELECT value FROM json_each(:licenses))",
    "ranges": """NOT EXISTS (
        SELECT 1 FROM json_each(:ranges) r WHERE NOT EXISTS (
            SELECT 1 FROM parameter p WHERE p.document = d.row AND p.key = r.value ->> 0
                AND p.quantity = r.value ->> 1 AND p.number BETWEEN r.value ->> 2 AND r.value ->> 3))""",
    "forbidden": "d.row NOT IN (SELECT rowid FROM words WHERE words MATCH :forbidden)",
}
"""The condition of each parameter that narrows a search. "+" keeps SQLite from an index that does not serve the
order."""
_MATCHED = "d.row, d.id, d.created_at, d.reliability, d.motion"
_LEVEL = "CAST(d.reliability AS REAL)"
_RESULT = """
    , page AS (
        SELECT row, score FROM match
        WHERE :after_id IS NULL OR (CASE WHEN :by_newest THEN 0.0 ELSE -score END, -created_at, id)
            > (:after_score, :after_created, :after_id)
        ORDER BY CASE WHEN :by_newest THEN 0 ELSE score END DESC, created_at DESC, id LIMIT :limit OFFSET :offset
    )
    SELECT 'hit', d.id, page.score, d.title, d.description, d.created_at, d.version
        FROM page JOIN document d USING (row)
    UNION ALL SELECT 'total', NULL, count(*), NULL, NULL, NULL, NULL FROM match
    UNION ALL SELECT 'facet', c.id, count(*), NULL, NULL, NULL, NULL
        FROM match JOIN category c ON c.document = match.row GROUP BY c.id
    UNION ALL SELECT 'level', reliability, count(*), NULL, NULL, NULL, NULL FROM match GROUP BY reliability
    UNION ALL SELECT 'motion', motion, count(*), NULL, NULL, NULL, NULL
        FROM match WHERE motion IS NOT NULL GROUP BY motion
"""
_Rows = defaultdict[str, list[Any]]
_Shape = tuple[int, int, int | None]
"""Of a clause: the number of its phrases, of those of the thesaurus, and its only place."""


def _shape(clause: Clause) -> _Shape:
    return len(clause.phrases), len(clause.related), clause.place


@lru_cache(maxsize=MAX_CACHED_STATEMENTS)
def _listing(narrowed: tuple[str, ...], *, by_level: bool) -> str:
    """Returns the search statement without words, with these of the _CONDITIONS."""
    # Limited: among a million mechanisms, ranking and counting all of them takes most of a second.
    score, order = (_LEVEL, "d.reliability DESC, ") if by_level else ("0.0", "")
    return f"""
    WITH match AS MATERIALIZED (
        SELECT {_MATCHED}, {score} AS score FROM document d WHERE {_passes(narrowed)}
        ORDER BY {order}d.created_at DESC, d.id LIMIT {_MAX_RANKED}
    ) {_RESULT}
    """  # noqa: S608 - contains only constants


@lru_cache(maxsize=MAX_CACHED_STATEMENTS)
def _matching(
    shapes: tuple[_Shape, ...], narrowed: tuple[str, ...], *, is_loose: bool, by_level: bool
) -> str:
    """Returns the search statement for clauses of these shapes, with these of the _CONDITIONS; `by_level`, with the
    level of reliability as the score.

    The fields in which a clause matches determine its weight. FTS5's bm25() would count each phrase in the whole index
    before it ranks the first match.
    """
    places = [weight for clause, shape in enumerate(shapes) for weight in _weights(clause, *shape)]
    if is_loose:
        strict = "SELECT rowid FROM words WHERE words MATCH :strict"
        places.append(f"{STRICT} * (d.row IN ({strict}))")
    weights = " + ".join([f"{len(shapes)}.0", *places])
    ranked = f"{weights} - {BREVITY} * length(d.title) + {EQUAL_TITLE} * (d.line = :line)"
    score, namesake = (_LEVEL, _LEVEL) if by_level else (ranked, EQUAL_TITLE)
    passes = _passes(narrowed)
    return f"""
    WITH newest AS MATERIALIZED (
        SELECT {_MATCHED}, {score} AS score
        FROM words JOIN document d ON d.row = words.rowid WHERE words MATCH :words AND {passes}
        ORDER BY words.rowid DESC LIMIT {_MAX_RANKED}
    ), older_namesakes AS MATERIALIZED (
        SELECT {_MATCHED}, {namesake} AS score FROM document d
        WHERE d.line = :line AND d.row < (SELECT min(row) FROM newest)
            AND (SELECT count(*) FROM newest) = {_MAX_RANKED} AND {passes}
        ORDER BY d.row DESC LIMIT {_MAX_RANKED}
    ), match AS MATERIALIZED (
        SELECT * FROM newest UNION ALL SELECT * FROM older_namesakes
    ) {_RESULT}
    """  # noqa: S608 - contains only constants and numbers


def _passes(narrowed: Sequence[str]) -> str:
    return " AND ".join([_CONDITIONS[name] for name in narrowed]) or "TRUE"


def _weights(clause: int, phrases: int, related: int, only_place: int | None) -> Iterator[str]:
    for number, (text, weight) in enumerate(zip(PLACES, WEIGHTS, strict=True)):
        if only_place not in (None, number):
            continue
        named, widened = (
            " OR ".join(f"instr(d.{text}, :phrase_{clause}_{one}) > 0" for one in numbers)
            for numbers in (range(phrases), range(phrases, phrases + related))
        )
        otherwise = f" WHEN {widened} THEN {weight * RELATED}" if widened else ""
        yield f"CASE WHEN {named} THEN {weight}{otherwise} ELSE 0 END"
    if only_place is None:
        yield f"{SPELLING} * (instr(d.title_spelling, :spelling_{clause}) > 0)"


# By ranges of the key: the other tokens, numbers and pairs of Japanese characters, are far more.
_WORDS = """
    SELECT text FROM word WHERE text >= 'a' AND text < '{' AND length(text) BETWEEN :least AND :most
    UNION ALL
    SELECT text FROM word WHERE text >= '=a' AND text < '={' AND length(text) - 1 BETWEEN :least AND :most
"""


def is_complete(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("SELECT is_complete FROM state").fetchone()[0])


@contextmanager
def until(connection: sqlite3.Connection, deadline: float) -> Iterator[None]:
    """Interrupts statements when `time.monotonic()` passes `deadline`: they raise sqlite3.OperationalError."""
    if deadline == math.inf:
        yield
        return
    connection.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS)
    try:
        yield
    finally:
        connection.set_progress_handler(None, 0)


def search(connection: sqlite3.Connection, query: SearchQuery, *, deadline: float = math.inf) -> SearchResult:
    """Searches. Raises sqlite3.OperationalError if a statement does not end before `deadline` (`time.monotonic()`)."""
    parsed = parse_query(query.text, query.synonyms)
    if not parsed.is_blank and not parsed.clauses:
        return SearchResult(hits=(), total=0, facets={})
    expanded: Synonyms = ()
    nearest: Synonyms = ()
    with until(connection, deadline):
        connection.execute("BEGIN")
        rows = _rows(connection, query, parsed)
        if is_loosened(query, parsed, _total(rows)):
            near = _nearest(connection, parsed, most_edits)
            loose, expanded = loosened(parsed, near, query.parts)
            if loose is not parsed:
                parsed, rows = loose, _rows(connection, query, loose)
            if not _total(rows):
                nearest = tuple(_nearest(connection, parsed, most_edits_unfound).items())
        passages = find_passages(connection, parsed, [id for id, *_ in rows["hit"]])
        connection.execute("COMMIT")
    return SearchResult(
        hits=_hits(query, parsed, rows["hit"], passages),
        total=_total(rows),
        facets={CategoryId(id): count for id, count, *_ in rows["facet"]},
        levels={level: count for level, count, *_ in rows["level"]},
        motions={MotionKind(kind): count for kind, count, *_ in rows["motion"]},
        expanded=expanded,
        nearest=nearest,
    )


def _hits(
    query: SearchQuery, parsed: ParsedQuery, rows: Sequence[Any], passages: Mapping[str, Passage]
) -> tuple[Hit, ...]:
    by_newest = query.sort.effective(is_blank=parsed.is_blank) is SearchSort.NEWEST
    # The union of the statement has no order.
    hits = sorted(rows, key=lambda row: (0.0 if by_newest else -row[1], -row[4], row[0]))
    highlights = highlights_of_page(
        parsed, [(title, description, passages.get(id)) for id, _, title, description, *_ in hits]
    )
    return tuple(
        Hit(
            mechanism_id=MechanismId(id),
            version=version,
            score=score,
            place=SearchPlace(
                score=score,
                title_length=len(title),
                created_at=moment_of(created),
                mechanism_id=MechanismId(id),
            ),
            highlights=marks,
            page=passages[id].page if "document" in marks else None,
        )
        for (id, score, title, _, created, version), marks in zip(hits, highlights, strict=True)
    )


def _rows(connection: sqlite3.Connection, query: SearchQuery, parsed: ParsedQuery) -> _Rows:
    """Returns the rows of the search statement by what they are: `hit`, `total`, `facet`, `level` or `motion`."""
    statement, given = _statement(connection, query, parsed)
    rows: _Rows = defaultdict(list)
    for kind, *values in connection.execute(statement, given):
        rows[kind].append(values)
    return rows


def _statement(
    connection: sqlite3.Connection, query: SearchQuery, parsed: ParsedQuery
) -> tuple[str, Mapping[str, object]]:
    """Returns the search statement with its parameters."""
    is_loose, by_level = bool(parsed.strict), query.sort is SearchSort.MOST_RELIABLE
    given = parameters(query, parsed)
    narrowed = tuple([name for name in _CONDITIONS if given[name] is not None])
    if parsed.is_blank:
        return _listing(narrowed, by_level=by_level), given
    given["words"] = match_expression(_expanded(connection, query, parsed))
    if is_loose:
        strict = replace(parsed, clauses=parsed.strict)
        given["strict"] = match_expression(_expanded(connection, query, strict))
    shapes = tuple(map(_shape, parsed.clauses))
    return _matching(shapes, narrowed, is_loose=is_loose, by_level=by_level), given


def _total(rows: _Rows) -> int:
    [(_, total, *_)] = rows["total"]
    return int(total)


def _nearest(
    connection: sqlite3.Connection, parsed: ParsedQuery, edits: Callable[[str], int]
) -> dict[str, tuple[str, ...]]:
    """Returns the words of the index that are nearest to words of the query."""
    found = {}
    for word in typed_words(parsed):
        most = edits(word)
        lengths = {"least": len(word) - most, "most": len(word) + most}
        tokens = connection.execute(_WORDS, lengths) if most else ()
        found[word] = nearest_words(word, most, (text for (text,) in tokens))
    return {word: words for word, words in found.items() if words}


def _expanded(connection: sqlite3.Connection, query: SearchQuery, parsed: ParsedQuery) -> Sequence[Clause]:
    """Returns the clauses, for public searches with expanded prefixes: only words of public documents are known."""
    is_public = query.published_only and query.audience == PUBLIC_AUDIENCE
    return expand_prefixes(connection, parsed) if is_public else parsed.clauses


def expand_prefixes(connection: sqlite3.Connection, parsed: ParsedQuery) -> tuple[Clause, ...]:
    """Returns the clauses with each prefix replaced by the words that begin with it, if these are few.

    For a prefix, FTS5 collects all its matches before it returns the first one. Whole words it matches incrementally,
    together with the rest of the query.
    """
    return tuple(
        replace(
            clause,
            phrases=tuple(
                dict.fromkeys(ended for each in clause.every for ended in _ended(connection, each))
            ),
            related=(),
        )
        for clause in parsed.clauses
    )


def _ended(connection: sqlite3.Connection, phrase: Phrase) -> Sequence[Phrase]:
    if not phrase.is_prefix:
        return (phrase,)
    *before, beginning = phrase.tokens
    words = connection.execute(
        "SELECT text FROM word WHERE text >= ? AND text < ? LIMIT ?",
        (beginning, beginning + BEYOND, _MAX_EXPANDED_PREFIX + 1),
    ).fetchall()
    if not 0 < len(words) <= _MAX_EXPANDED_PREFIX:
        return (phrase,)
    return [Phrase((*before, word)) for (word,) in words]
