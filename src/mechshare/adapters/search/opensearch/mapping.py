"""What OpenSearch holds of a mechanism, and how it is told to hold it.

The tokens are made here, by the analysis that all adapters share; OpenSearch only parts them at their spaces. So a
question finds the same mechanisms in every index, whatever analysis plugins a server has or lacks. A field with
OpenSearch's own `cjk` and `english` analysers was tried beside it: over the questions of the contract's relevance set
it found nothing more that answers them, and it would find what the other indices don't.

All tokens stand in one field, which tells what matches, and those of the short texts in a field of each besides, which
tell what a match weighs. No field counts how often a word stands in it: nothing is weighed by that.
"""

from collections.abc import Mapping
from typing import Any

from mechshare.adapters.search.text.normalization import normalize_line
from mechshare.adapters.search.text.ranking import PLACES, microseconds, searched_fields
from mechshare.adapters.search.text.tokenizer import index_text, openings
from mechshare.domain.search import SearchDocument

WINDOW = 10_000
"""Hits that one request reaches; further ones are reached from the place where it ended."""
MAX_INDEXED_PREFIX = 19
"""Characters; OpenSearch allows no more."""
PUBLIC, OWN, GONE = "public", "own", "gone"
FORMAT = 2
"""Raised with every change of the mapping or of what tokens are; an index of any other format is made anew."""

_MAX_VERSION = 2**62 - 1
_REFRESH = "100ms"
"""What a write waits for, at most, to be found."""

_SEGMENTS_PER_TIER = 4
"""Instead of 10: each search looks through every segment, and far less is written here than is searched."""

_PREFIXES = {"min_chars": 1, "max_chars": MAX_INDEXED_PREFIX}
_BEGINNINGS = {
    "type": "text",
    "analyzer": "keyword",
    "norms": False,
    "index_options": "docs",
    "index_prefixes": _PREFIXES,
}
"""Of whole texts, which are found by nothing else."""
_WORDS = {"type": "text", "analyzer": "whitespace", "index_prefixes": _PREFIXES}

# Each is set, also where it is the server's default: no template of indices may change what is answered.
INDEX: Mapping[str, Any] = {
    "settings": {
        "index": {
            "number_of_shards": 1,
            "auto_expand_replicas": "0-1",
            "refresh_interval": _REFRESH,
            "max_result_window": WINDOW,
            "merge.policy.segments_per_tier": _SEGMENTS_PER_TIER,
        }
    },
    "mappings": {
        "_meta": {"format": FORMAT},
        "dynamic": "strict",
        "_source": {"includes": ["title", "description"]},
        "properties": {
            "id": {"type": "keyword"},
            "visibility": {"type": "keyword"},
            "created_at": {"type": "long"},
            "user_id": {"type": "keyword"},
            "category_ids": {"type": "keyword"},
            "title": {"type": "keyword", "index": False},
            "description": {"type": "text", "index": False},
            "line": {"type": "keyword"},
            "openings": _BEGINNINGS,
            "first_opening": _BEGINNINGS,
            "title_length": {"type": "integer", "index": False},
            **dict.fromkeys(("words", *PLACES), _WORDS),
        },
    },
}


def source_of(document: SearchDocument) -> dict[str, Any]:
    """`document` as it is sent."""
    title_openings, words = list(openings(document.title)), list(map(index_text, searched_fields(document)))
    return {
        "id": document.mechanism_id,
        "visibility": PUBLIC if document.is_published else OWN,
        "created_at": microseconds(document.created_at),
        "user_id": document.user_id,
        "category_ids": list(document.category_ids),
        "title": document.title,
        "description": document.description,
        "line": normalize_line(document.title),
        "openings": title_openings,
        "first_opening": title_openings[:1],
        "title_length": len(document.title),
        "words": words,
        **dict(zip(PLACES, words, strict=False)),
    }


def tombstone(mechanism_id: str) -> dict[str, Any]:
    """What is sent in place of a mechanism that is gone, for older versions of it to be refused."""
    return {"id": mechanism_id, "visibility": GONE}


def document_version(version: int) -> int:
    """The version under which OpenSearch holds a document: even, with room for its removal before the next."""
    return 2 * min(version, _MAX_VERSION)


def tombstone_version(version: int) -> int:
    """The version of the removal of `version`: odd, above that version and below the next."""
    return document_version(version) + 1


def is_tombstone(version: int) -> bool:
    return version % 2 == 1
