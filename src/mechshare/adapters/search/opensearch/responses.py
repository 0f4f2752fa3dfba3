"""What OpenSearch answers, as the port has it."""

from typing import Any

from mechshare.adapters.search.text.highlights import highlights_of
from mechshare.adapters.search.text.query import ParsedQuery
from mechshare.adapters.search.text.ranking import BREVITY
from mechshare.domain.ids import CategoryId, MechanismId
from mechshare.domain.search import Hit, SearchResult


def result_of(parsed: ParsedQuery, counted: Any, hits: list[Any]) -> SearchResult:
    """`hits` with the totals of the answer `counted`. Marking what matched takes time: not for the event loop."""
    buckets = counted["aggregations"]["categories"]["buckets"]
    return SearchResult(
        hits=tuple(_hit(parsed, hit) for hit in hits),
        total=counted["hits"]["total"]["value"],
        facets={CategoryId(bucket["key"]): bucket["doc_count"] for bucket in buckets},
    )


def titles_of(response: Any) -> tuple[str, ...]:
    return tuple(hit["_source"]["title"] for hit in response["hits"]["hits"])


def _hit(parsed: ParsedQuery, hit: Any) -> Hit:
    title, description = hit["_source"]["title"], hit["_source"]["description"]
    return Hit(
        mechanism_id=MechanismId(hit["_id"]),
        score=0.0 if parsed.is_blank else hit["_score"] - BREVITY * len(title),
        highlights=highlights_of(parsed, title, description),
    )
