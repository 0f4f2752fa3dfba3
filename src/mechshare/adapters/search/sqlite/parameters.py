"""The parameters of the statements of the SQLite search index: conditions, bounds and words of a query."""

import json
from collections.abc import Sequence

from mechshare.adapters.search.text.phrases import Phrase
from mechshare.adapters.search.text.query import Clause, ParsedQuery
from mechshare.adapters.search.text.ranking import microseconds
from mechshare.domain.audiences import PUBLIC_AUDIENCE
from mechshare.domain.named_values import ValueRange
from mechshare.domain.search import SearchQuery, SearchSort

_MAX_INTEGER = 2**63 - 1
_NOWHERE = "\n"
"""A pattern that no tokens contain."""
_COLUMNS = ("title", "categories", "author")
"""The columns of the full-text table in the order of WEIGHTS."""


def match_expression(clauses: Sequence[Clause], operator: str = "AND") -> str:
    """Returns the clauses in FTS5 query syntax. Every token is quoted, so that no input acts as an operator."""
    return f" {operator} ".join(map(_condition, clauses))


def _condition(clause: Clause) -> str:
    column = "" if clause.place is None else f"{{{_COLUMNS[clause.place]}}} : "
    return column + "(" + " OR ".join(map(_quoted, clause.every)) + ")"


def _quoted(phrase: Phrase) -> str:
    return '"' + " ".join(phrase.tokens).replace('"', '""') + '"' + ("*" if phrase.is_prefix else "")


def parameters(query: SearchQuery, parsed: ParsedQuery) -> dict[str, object]:
    """Returns the parameters by name; None for a condition that does not narrow the search."""
    after, by_newest = query.after, query.sort.effective(is_blank=parsed.is_blank) is SearchSort.NEWEST
    is_public = query.published_only and query.audience == PUBLIC_AUDIENCE
    patterns = {
        f"phrase_{number}_{one}": phrase.pattern
        for number, clause in enumerate(parsed.clauses)
        for one, phrase in enumerate(clause.every)
    }
    spellings = {
        f"spelling_{number}": clause.spelling.pattern if clause.spelling else _NOWHERE
        for number, clause in enumerate(parsed.clauses)
    }
    return (
        patterns
        | spellings
        | {
            "line": parsed.line,
            "is_public": True if is_public else None,
            "audience": None if is_public or not query.published_only else json_or_none(query.audience),
            "user_id": None if query.user_id is None else _storable(query.user_id),
            "categories": json_or_none(query.category_ids),
            "families": _json_of_families(query.families),
            "excluded": json_or_none(query.excluded),
            "created_from": None if query.created_from is None else microseconds(query.created_from),
            "created_before": None if query.created_before is None else microseconds(query.created_before),
            "min_duration": query.min_duration_ms,
            "max_duration": query.max_duration_ms,
            "min_period": query.min_period_ms,
            "max_period": query.max_period_ms,
            "motion": query.motion,
            "loops": query.loops,
            "reliability_min": query.reliability_min,
            "licenses": json_or_none(query.licenses),
            "ranges": _json_of_ranges(query.ranges),
            "forbidden": match_expression(parsed.forbidden, "OR") or None,
            "by_newest": by_newest,
            "after_score": 0.0 if after is None or by_newest else -after.score,
            "after_created": None if after is None else -microseconds(after.created_at),
            "after_id": None if after is None else after.mechanism_id,
            "limit": bounded(query.limit),
            "offset": 0 if after else bounded(query.offset),
        }
    )


def json_or_none(ids: Sequence[str]) -> str | None:
    return json.dumps([_storable(id) for id in ids]) if ids else None


def _json_of_families(families: Sequence[Sequence[str]]) -> str | None:
    return json.dumps([list(map(_storable, one)) for one in families]) if families else None


def _json_of_ranges(ranges: Sequence[ValueRange]) -> str | None:
    return (
        json.dumps([(_storable(one.key), one.quantity, one.low, one.high) for one in ranges])
        if ranges
        else None
    )


def bounded(number: int) -> int:
    return min(max(number, 0), _MAX_INTEGER)


def _storable(text: str) -> str:
    """Replaces lone surrogates by "?": they can't be bound, and no identifier contains them."""
    return text.encode(errors="replace").decode()
