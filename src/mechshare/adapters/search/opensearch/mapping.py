"""The documents that OpenSearch stores, and their mapping.

The tokenizer that all adapters share makes the tokens; OpenSearch only splits them at spaces. A query therefore finds
the same mechanisms in every index, whatever analysis plugins a server has. An additional field with OpenSearch's `cjk`
and `english` analysers was tried: on the relevance set of the contract suite it found nothing more that is relevant,
and it would find what the other indices don't.

One field holds all tokens and decides what matches. The tokens of each short text are also in a field of their own,
which decides the weight of a match. Term frequencies do not count. The passages of a document are nested, too: a second
request finds for each hit the one that matches best.
"""

from collections.abc import Mapping
from typing import Any

from mechshare.adapters.search.text.normalization import normalize_line
from mechshare.adapters.search.text.passages import passages_of
from mechshare.adapters.search.text.ranking import (
    PLACES,
    author_openings,
    microseconds,
    searched_fields,
    title_spelling,
)
from mechshare.adapters.search.text.tokenizer import index_text, openings
from mechshare.domain.search_documents import SearchDocument

WINDOW = 10_000
"""Hits that one request can reach by offset; `search_after` reaches further ones."""
MAX_INDEXED_PREFIX = 19
"""Characters, the maximum of OpenSearch."""
OWN, GONE = "own", "gone"
"""The audience of what only its owner finds, among their own, and of a removed mechanism."""
FORMAT = 11
"""Increased with every change of the mapping or the tokens; an index of an older format needs a rebuild."""

_MAX_VERSION = 2**62 - 1
_REFRESH = "100ms"
"""The longest time until a write is visible to searches."""

_SEGMENTS_PER_TIER = 4
"""Less than the default of 10: each search reads every segment, and searches far outnumber writes."""

_PREFIXES = {"min_chars": 1, "max_chars": MAX_INDEXED_PREFIX}
_BEGINNINGS = {
    "type": "text",
    "analyzer": "keyword",
    "norms": False,
    "index_options": "docs",
    "index_prefixes": _PREFIXES,
}
"""For texts that are searched by prefix only."""
_WORDS = {"type": "text", "analyzer": "whitespace", "index_prefixes": _PREFIXES}

# Sets every option, even to the server's default, so that no index template changes the results.
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
        "_source": {
            "includes": ["title", "description", "author", "passage_count", "passages.page", "passages.text"]
        },
        "properties": {
            "id": {"type": "keyword"},
            "visibility": {"type": "keyword"},
            "created_at": {"type": "long"},
            "duration": {"type": "long"},
            "period": {"type": "double"},
            "motion": {"type": "keyword"},
            "loops": {"type": "boolean"},
            "reliability": {"type": "integer"},
            "license": {"type": "keyword"},
            "parameters": {
                "type": "nested",
                "dynamic": "strict",
                "properties": {
                    "key": {"type": "keyword"},
                    "quantity": {"type": "keyword"},
                    "number": {"type": "double"},
                },
            },
            "user_id": {"type": "keyword"},
            "category_ids": {"type": "keyword"},
            "title": {"type": "keyword", "index": False},
            "author": {"type": "keyword"},
            "author_openings": _BEGINNINGS,
            "description": {"type": "text", "index": False},
            "line": {"type": "keyword"},
            "openings": _BEGINNINGS,
            "first_opening": _BEGINNINGS,
            "title_length": {"type": "integer", "index": False},
            "passage_count": {"type": "integer", "index": False},
            "passages": {
                "type": "nested",
                "dynamic": "strict",
                "properties": {
                    "page": {"type": "integer", "index": False},
                    "text": {"type": "text", "index": False},
                    "words": _WORDS,
                },
            },
            **dict.fromkeys(("words", "title_spelling", *PLACES), _WORDS),
            "vocabulary": {"type": "text", "analyzer": "whitespace", "norms": False, "index_options": "docs"},
        },
    },
}


def source_of(document: SearchDocument) -> dict[str, Any]:
    """Returns the source to send for `document`."""
    title_openings, words = list(openings(document.title)), list(map(index_text, searched_fields(document)))
    passages = [
        {"page": page, "text": text, "words": index_text(text)} for page, text in passages_of(document.pages)
    ]
    return {
        "id": document.mechanism_id,
        "visibility": list(document.audience) or [OWN],
        "created_at": microseconds(document.created_at),
        "duration": document.duration_ms,
        "period": document.period_ms,
        "motion": document.motion,
        "loops": document.loops,
        "reliability": document.reliability,
        "license": document.license,
        "parameters": [
            {"key": one.key, "quantity": one.quantity, "number": one.coherent_number}
            for one in document.parameters
            if one.number is not None
        ],
        "user_id": document.user_id,
        "category_ids": list(document.category_ids),
        "title": document.title,
        "description": document.description,
        "line": normalize_line(document.title),
        "author": document.author_name,
        "author_openings": list(author_openings(document.author_name, document.author_username)),
        "openings": title_openings,
        "first_opening": title_openings[:1],
        "title_length": len(document.title),
        "title_spelling": title_spelling(document),
        "passage_count": len(passages),
        "passages": passages,
        "words": [*words, *(each["words"] for each in passages)],
        # The words of public documents, from which near words are chosen.
        "vocabulary": [*words, *(each["words"] for each in passages)] if document.is_public else [],
        **dict(zip(PLACES, words, strict=False)),
    }


def tombstone(mechanism_id: str) -> dict[str, Any]:
    """Returns the source to send for a removed mechanism, so that OpenSearch rejects older versions of it."""
    return {"id": mechanism_id, "visibility": GONE}


def document_version(version: int) -> int:
    """Returns the OpenSearch version of a document: even, which leaves room for its removal before the next one."""
    return 2 * min(version, _MAX_VERSION)


def version_of(document_version: int) -> int:
    """Returns the version of the mechanism in a document with this OpenSearch version."""
    return document_version // 2


def tombstone_version(version: int) -> int:
    """Returns the OpenSearch version for the removal of `version`: odd, above that version and below the next."""
    return document_version(version) + 1


def is_tombstone(version: int) -> bool:
    return version % 2 == 1
