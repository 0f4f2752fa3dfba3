"""Request bodies in OpenSearch's query DSL."""

from collections.abc import Sequence
from typing import Any

from mechshare.adapters.search.opensearch.mapping import GONE, OWN, PUBLIC, WINDOW
from mechshare.adapters.search.text.query import Clause, ParsedQuery, Phrase
from mechshare.adapters.search.text.ranking import EQUAL_TITLE, PLACES, WEIGHTS
from mechshare.domain.search import SearchQuery, SearchSort

MAX_PHRASE_LENGTH = 200
"""Tokens. A query of 200 characters has no more; further ones of a longer query are ignored."""

_MAX_CATEGORIES = 10_000
_MAX_EXPANSIONS = 1_000
"""Terms to which OpenSearch expands a prefix that is longer than MAX_INDEXED_PREFIX."""

_Json = dict[str, Any]


def search_body(query: SearchQuery, parsed: ParsedQuery) -> _Json:
    """Returns the request body for `query`, without its page."""
    by_newest = parsed.is_blank or query.sort is SearchSort.NEWEST
    by_age: list[_Json] = [{"created_at": "desc"}, {"id": "asc"}]
    # An index of an earlier format may lack this field until it is rebuilt.
    by_brevity: _Json = {"title_length": {"order": "asc", "unmapped_type": "integer"}}
    return {
        "query": _matching(query, parsed),
        "sort": by_age if by_newest else [{"_score": "desc"}, by_brevity, *by_age],
        "track_scores": not parsed.is_blank,
        "version": True,
        "track_total_hits": True,
        "aggs": {"categories": {"terms": {"field": "category_ids", "size": _MAX_CATEGORIES}}},
    }


def titles_starting_with(beginning: str, excluded: Sequence[str]) -> _Json:
    """Returns the conditions for published mechanisms, except `excluded`, whose title begins with `beginning`."""
    return {
        "filter": [_term("visibility", PUBLIC), _prefix("first_opening", beginning)],
        "must_not": _among(excluded),
    }


def titles_with_later_word(beginning: str, excluded: Sequence[str]) -> _Json:
    """Returns the conditions for published mechanisms, except `excluded`, with `beginning` at a later word of the title
    only."""
    return {
        "filter": [_term("visibility", PUBLIC), _prefix("openings", beginning)],
        "must_not": [_prefix("first_opening", beginning), *_among(excluded)],
    }


def titles_body(conditions: _Json, limit: int, *, among: int = 0) -> _Json:
    """Returns the request body for the distinct titles that meet the conditions, of the first `among` mechanisms found
    (0: of all)."""
    return {
        "query": {"bool": conditions},
        "collapse": {"field": "line"},
        "sort": [{"line": "asc"}, {"title": "asc"}],
        "size": min(limit, WINDOW),
        "track_total_hits": False,
        "_source": ["title"],
        "terminate_after": among,
    }


def tombstones_body(size: int) -> _Json:
    """Returns the request body for tombstones, sorted by id for `search_after`."""
    return {
        "query": _term("visibility", GONE),
        "sort": [{"id": "asc"}],
        "size": size,
        "version": True,
        "_source": False,
    }


def _matching(query: SearchQuery, parsed: ParsedQuery) -> _Json:
    conditions = [{"terms": {"visibility": [PUBLIC] if query.published_only else [PUBLIC, OWN]}}]
    if query.user_id is not None:
        conditions.append({"terms": {"user_id": [_sendable(query.user_id)]}})
    if query.category_ids:
        conditions.append({"terms": {"category_ids": [_sendable(id) for id in query.category_ids]}})
    excluded = _among(query.excluded)
    if parsed.is_blank:
        return {"bool": {"filter": conditions, "must_not": excluded}}
    words = (_any_of(clause, "words") for clause in parsed.clauses)
    matches = {"bool": {"filter": [*conditions, *words], "must_not": excluded}}
    places = [
        _weighted(weight, _any_of(clause, place))
        for clause in parsed.clauses
        for place, weight in zip(PLACES, WEIGHTS, strict=True)
    ]
    return {
        "bool": {
            "must": [_weighted(len(parsed.clauses), matches)],
            "should": [_weighted(EQUAL_TITLE, _term("line", parsed.line)), *places],
        }
    }


def _weighted(weight: float, condition: _Json) -> _Json:
    return {"constant_score": {"filter": condition, "boost": weight}}


def _any_of(clause: Clause, field: str) -> _Json:
    return {
        "bool": {"should": [_phrase_match(phrase, field) for phrase in clause], "minimum_should_match": 1}
    }


def _phrase_match(phrase: Phrase, field: str) -> _Json:
    text = " ".join(phrase.tokens[:MAX_PHRASE_LENGTH])
    if not phrase.is_prefix or len(phrase.tokens) > MAX_PHRASE_LENGTH:
        return {"match_phrase": {field: text}}
    return {"match_phrase_prefix": {field: {"query": text, "max_expansions": _MAX_EXPANSIONS}}}


def _among(ids: Sequence[str]) -> list[_Json]:
    return [{"terms": {"id": [_sendable(id) for id in ids]}}] if ids else []


def _term(field: str, value: str) -> _Json:
    return {"term": {field: value}}


def _prefix(field: str, value: str) -> _Json:
    return {"prefix": {field: {"value": value, "rewrite": "constant_score"}}}


def _sendable(text: str) -> str:
    """Replaces lone surrogates by "?": they can't be sent, and no identifier contains them."""
    return text.encode(errors="replace").decode()
