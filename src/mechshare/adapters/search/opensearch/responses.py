"""Converts responses of OpenSearch to the types of the port."""

from collections.abc import Iterator, Mapping
from typing import Any

from mechshare.adapters.search.opensearch.mapping import version_of
from mechshare.adapters.search.text.highlights import Fragments, highlights_of_page
from mechshare.adapters.search.text.passages import Passage
from mechshare.adapters.search.text.query import ParsedQuery
from mechshare.adapters.search.text.ranking import BREVITY, moment_of
from mechshare.domain.ids import CategoryId, MechanismId
from mechshare.domain.motion import MotionKind
from mechshare.domain.search import Hit, SearchPlace, SearchQuery, SearchResult, SearchSort


def result_of(
    query: SearchQuery, parsed: ParsedQuery, counted: Any, hits: list[Any], passages: Mapping[str, Passage]
) -> SearchResult:
    """Returns `hits` of `query` with the totals of the response `counted` and the passages of those that have one.

    Highlighting is slow: don't call on the event loop.
    """
    buckets = counted["aggregations"]["categories"]["buckets"]
    texts = [
        (hit["_source"]["title"], hit["_source"]["description"], passages.get(hit["_id"])) for hit in hits
    ]
    highlights = highlights_of_page(parsed, texts)
    return SearchResult(
        hits=tuple(
            _hit(query, parsed, hit, marks, passages.get(hit["_id"]))
            for hit, marks in zip(hits, highlights, strict=True)
        ),
        total=counted["hits"]["total"]["value"],
        facets={CategoryId(bucket["key"]): bucket["doc_count"] for bucket in buckets},
        levels={
            bucket["key"]: bucket["doc_count"] for bucket in counted["aggregations"]["levels"]["buckets"]
        },
        motions={
            MotionKind(bucket["key"]): bucket["doc_count"]
            for bucket in counted["aggregations"]["motions"]["buckets"]
        },
    )


def passages_of_hits(response: Any) -> Mapping[str, Passage]:
    """Returns the passages of the response to `passages_body`, by the identifier of their mechanism."""
    best = {hit["_id"]: hit["inner_hits"]["passages"]["hits"]["hits"] for hit in response["hits"]["hits"]}
    return {id: Passage(hits[0]["_source"]["page"], hits[0]["_source"]["text"]) for id, hits in best.items()}


def titles_of(response: Any) -> tuple[str, ...]:
    return tuple(hit["_source"]["title"] for hit in response["hits"]["hits"])


def tokens_near(response: Any, word: str) -> Iterator[str]:
    """Yields the tokens that the response to `nearest_body` has for `word`."""
    for name in (word, f"={word}"):
        for entry in response["suggest"][name]:
            yield from (option["text"] for option in entry["options"])


def _place(hit: Any) -> SearchPlace:
    *ranked, created, key = hit["sort"]
    score, length = (*ranked, 0, 0)[:2]
    return SearchPlace(
        score=float(score), title_length=length, created_at=moment_of(created), mechanism_id=MechanismId(key)
    )


def authors_of(response: Any) -> tuple[str, ...]:
    return tuple(hit["_source"]["author"] for hit in response["hits"]["hits"])


def _hit(
    query: SearchQuery,
    parsed: ParsedQuery,
    hit: Any,
    highlights: Mapping[str, Fragments],
    passage: Passage | None,
) -> Hit:
    place = _place(hit)
    if query.sort is SearchSort.MOST_RELIABLE:
        score = place.score
    else:
        score = 0.0 if parsed.is_blank else hit["_score"] - BREVITY * len(hit["_source"]["title"])
    return Hit(
        mechanism_id=MechanismId(hit["_id"]),
        version=version_of(hit["_version"]),
        place=place,
        score=score,
        highlights=highlights,
        page=passage.page if passage and "document" in highlights else None,
    )
