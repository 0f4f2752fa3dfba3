"""Request bodies in OpenSearch's query DSL."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from mechshare.adapters.search.opensearch.mapping import GONE, WINDOW
from mechshare.adapters.search.text.phrases import Phrase
from mechshare.adapters.search.text.query import Clause, ParsedQuery
from mechshare.adapters.search.text.ranking import (
    EQUAL_TITLE,
    PLACES,
    RELATED,
    SPELLING,
    STRICT,
    WEIGHTS,
    microseconds,
)
from mechshare.domain.audiences import Audience
from mechshare.domain.ids import CategoryId
from mechshare.domain.motion import MotionKind
from mechshare.domain.named_values import ValueRange
from mechshare.domain.search import SearchPlace, SearchQuery, SearchSort

MAX_PHRASE_LENGTH = 200
"""Tokens. A query of 200 characters has no more; further ones of a longer query are ignored."""

_MAX_CATEGORIES = 10_000
_MAX_LEVELS = 10
_MAX_EXPANSIONS = 1_000
"""Terms to which OpenSearch expands a prefix that is longer than MAX_INDEXED_PREFIX."""

_MAX_PASSAGE_CLAUSES = 10
"""Clauses of a query by which a passage is chosen: the first ones."""

_MAX_NEAR = 50
"""Tokens near a word that are looked at."""
_ANY_FREQUENCY = 2**31 - 1

_Json = dict[str, Any]


def search_body(query: SearchQuery, parsed: ParsedQuery) -> _Json:
    """Returns the request body for `query`, without its page."""
    order = _order(query, parsed)
    return {
        "query": _matching(query, parsed),
        **({"search_after": _values_of(query.after, len(order))} if query.after else {}),
        "sort": order,
        "track_scores": not parsed.is_blank,
        "version": True,
        "_source": ["title", "description", "passage_count"],
        "track_total_hits": True,
        "aggs": {
            "categories": {"terms": {"field": "category_ids", "size": _MAX_CATEGORIES}},
            "levels": {"terms": {"field": "reliability", "size": _MAX_LEVELS}},
            "motions": {"terms": {"field": "motion", "size": len(MotionKind)}},
        },
    }


def _order(query: SearchQuery, parsed: ParsedQuery) -> list[_Json]:
    by_age: list[_Json] = [{"created_at": "desc"}, {"id": "asc"}]
    # An index of an earlier format may lack these fields until it is rebuilt.
    sort = query.sort.effective(is_blank=parsed.is_blank)
    if sort is SearchSort.MOST_RELIABLE:
        return [{"reliability": {"order": "desc", "unmapped_type": "integer", "missing": 0}}, *by_age]
    if sort is SearchSort.NEWEST:
        return by_age
    return [{"_score": "desc"}, {"title_length": {"order": "asc", "unmapped_type": "integer"}}, *by_age]


def _values_of(after: SearchPlace, count: int) -> list[float | int | str]:
    """Returns the values of an order only by the age, or by one or two values before it."""
    age: list[float | int | str] = [microseconds(after.created_at), after.mechanism_id]
    return [*(after.score, after.title_length)[: count - len(age)], *age]


def passages_body(parsed: ParsedQuery, ids: Sequence[str]) -> _Json:
    """Returns the request body for the passage of each of these mechanisms in which most clauses match."""
    clauses = [clause for clause in parsed.clauses[:_MAX_PASSAGE_CLAUSES] if clause.place is None]
    matched = [_weighted(1.0, _any_of(clause.every, "passages.words")) for clause in clauses]
    best = {"size": 1, "_source": ["passages.page", "passages.text"]}
    nested = {"path": "passages", "query": {"bool": {"should": matched}}, "inner_hits": best}
    return {
        "query": {"bool": {"filter": _among(ids), "must": [{"nested": nested}]}},
        "size": len(ids),
        "track_total_hits": False,
        "_source": False,
    }


def nearest_body(words: Sequence[str], edits: Callable[[str], int]) -> _Json:
    """Returns the request body for the tokens, plain and as written, that differ from `words` by up to `edits`."""
    return {
        "size": 0,
        "track_total_hits": False,
        "suggest": {
            token: {
                "text": token,
                "term": {
                    "field": "vocabulary",
                    "analyzer": "keyword",
                    "suggest_mode": "always",
                    "max_edits": edits(word),
                    # The mark of a word as written is no letter.
                    "prefix_length": len(token) - len(word),
                    "min_word_length": 1,
                    "max_term_freq": _ANY_FREQUENCY,
                    "accuracy": 0.0,
                    "size": _MAX_NEAR,
                },
            }
            for word in words
            for token in (word, f"={word}")
        },
    }


def titles_starting_with(beginning: str, audience: Audience, excluded: Sequence[str]) -> _Json:
    """Returns the conditions for mechanisms of the audience, except `excluded`, whose title begins with `beginning`."""
    return {
        "filter": [_found_by(audience), _prefix("first_opening", beginning)],
        "must_not": _among(excluded),
    }


def titles_with_later_word(beginning: str, audience: Audience, excluded: Sequence[str]) -> _Json:
    """Returns the conditions for mechanisms of the audience, except `excluded`, with `beginning` at a later word of
    the title only."""
    return {
        "filter": [_found_by(audience), _prefix("openings", beginning)],
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


def authors_body(beginning: str, audience: Audience, excluded: Sequence[str], limit: int) -> _Json:
    """Returns the request body for the authors of mechanisms of the audience, except `excluded`, whose name has
    `beginning`."""
    conditions = [_found_by(audience), _prefix("author_openings", beginning)]
    return {
        "query": {"bool": {"filter": conditions, "must_not": _among(excluded)}},
        "collapse": {"field": "author"},
        "sort": [{"author": "asc"}],
        "size": min(limit, WINDOW),
        "track_total_hits": False,
        "_source": ["author"],
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
    conditions = [_found_by(query.audience)] if query.published_only else []
    if query.user_id is not None:
        conditions.append({"terms": {"user_id": [_sendable(query.user_id)]}})
    if query.category_ids:
        conditions.append(_in_any(query.category_ids))
    conditions += map(_in_any, query.families)
    conditions += _ranges(query)
    conditions += [{"terms": {"license": list(query.licenses)}}] if query.licenses else []
    conditions += map(_has_parameter, query.ranges)
    conditions += [] if query.motion is None else [_term("motion", query.motion)]
    conditions += [] if query.loops is None else [_term("loops", query.loops)]
    refused = [
        _term("visibility", GONE),
        *_among(query.excluded),
        *(_any_of(clause.every, _field(clause)) for clause in parsed.forbidden),
    ]
    if parsed.is_blank:
        return {"bool": {"filter": conditions, "must_not": refused}}
    words = (_any_of(clause.every, _field(clause)) for clause in parsed.clauses)
    matches = {"bool": {"filter": [*conditions, *words], "must_not": refused}}
    strict = [_any_of(clause.every, _field(clause)) for clause in parsed.strict]
    return {
        "bool": {
            "must": [_weighted(len(parsed.clauses), matches)],
            "should": [
                *([_weighted(STRICT, {"bool": {"filter": strict}})] if strict else []),
                _weighted(EQUAL_TITLE, _term("line", parsed.line)),
                *(weight for clause in parsed.clauses for weight in _weights(clause)),
            ],
        }
    }


def _in_any(ids: Sequence[CategoryId]) -> _Json:
    return {"terms": {"category_ids": [_sendable(id) for id in ids]}}


def _ranges(query: SearchQuery) -> list[_Json]:
    created_from, created_before = (
        None if moment is None else microseconds(moment)
        for moment in (query.created_from, query.created_before)
    )
    ranges: dict[str, dict[str, float | None]] = {
        "created_at": {"gte": created_from, "lt": created_before},
        "duration": {"gte": query.min_duration_ms, "lte": query.max_duration_ms},
        "period": {"gte": query.min_period_ms, "lte": query.max_period_ms},
        "reliability": {"gte": query.reliability_min},
    }
    given = {
        field: {operator: bound for operator, bound in bounds.items() if bound is not None}
        for field, bounds in ranges.items()
    }
    return [{"range": {field: bounds}} for field, bounds in given.items() if bounds]


def _has_parameter(wanted: ValueRange) -> _Json:
    conditions = [
        _term("parameters.key", _sendable(wanted.key)),
        _term("parameters.quantity", wanted.quantity),
        {"range": {"parameters.number": {"gte": wanted.low, "lte": wanted.high}}},
    ]
    return {
        "nested": {"path": "parameters", "ignore_unmapped": True, "query": {"bool": {"filter": conditions}}}
    }


def _field(clause: Clause) -> str:
    return "words" if clause.place is None else PLACES[clause.place]


def _weights(clause: Clause) -> Iterator[_Json]:
    """Yields the weight of a match in each place. What only the thesaurus found gets the fraction RELATED of it."""
    for number, (place, weight) in enumerate(zip(PLACES, WEIGHTS, strict=True)):
        if clause.place not in (None, number):
            continue
        if not clause.related:
            yield _weighted(weight, _any_of(clause.phrases, place))
            continue
        yield _weighted(weight * (1 - RELATED), _any_of(clause.phrases, place))
        yield _weighted(weight * RELATED, _any_of(clause.every, place))
    if clause.spelling and clause.place is None:
        yield _weighted(SPELLING, _phrase_match(clause.spelling, "title_spelling"))


def _weighted(weight: float, condition: _Json) -> _Json:
    return {"constant_score": {"filter": condition, "boost": weight}}


def _any_of(phrases: Sequence[Phrase], field: str) -> _Json:
    return {
        "bool": {"should": [_phrase_match(phrase, field) for phrase in phrases], "minimum_should_match": 1}
    }


def _phrase_match(phrase: Phrase, field: str) -> _Json:
    text = " ".join(phrase.tokens[:MAX_PHRASE_LENGTH])
    if not phrase.is_prefix or len(phrase.tokens) > MAX_PHRASE_LENGTH:
        return {"match_phrase": {field: text}}
    return {"match_phrase_prefix": {field: {"query": text, "max_expansions": _MAX_EXPANSIONS}}}


def _among(ids: Sequence[str]) -> list[_Json]:
    return [{"terms": {"id": [_sendable(id) for id in ids]}}] if ids else []


def _found_by(audience: Audience) -> _Json:
    return {"terms": {"visibility": list(audience)}}


def _term(field: str, value: str | bool) -> _Json:
    return {"term": {field: value}}


def _prefix(field: str, value: str) -> _Json:
    return {"prefix": {field: {"value": value, "rewrite": "constant_score"}}}


def _sendable(text: str) -> str:
    """Replaces lone surrogates by "?": they can't be sent, and no identifier contains them."""
    return text.encode(errors="replace").decode()
