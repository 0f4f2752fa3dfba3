"""Representations of search results."""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from mechshare.domain.motion import MotionKind
from mechshare.domain.search import FoundMechanism, Hit, SearchPage, SearchSort
from mechshare.domain.suggestions import Suggestion, SuggestionKind, Suggestions
from mechshare.domain.visibility import Visibility
from mechshare.entrypoints.http.protocol.pagination import cursor_of
from mechshare.entrypoints.http.protocol.schema_names import published
from mechshare.entrypoints.http.representations.mechanisms import (
    MechanismResponse,
    MediaAddresses,
    mechanism_response,
)


@published("TextPiece")
class Piece(Struct):
    """A piece of a highlighted text."""

    text: str
    is_match: bool


@published("SearchHit")
class SearchHitResponse(Struct):
    """`highlights` contains the `title` and excerpts of the `description` and of the text of the `document`, where they
    match, as pieces; joined, they give the text. `page` is the page of the document from which its excerpt comes,
    counted from 1; null without one."""

    mechanism: MechanismResponse
    highlights: dict[str, list[Piece]]
    page: int | None


@published("SearchHelp")
class HelpResponse(Struct):
    """What finds something where a search found nothing: `q` in other `spellings`, and how many mechanisms there are
    `without` a filter (`category`, `author`, `created`, `duration`, `motion`, `reliability`,
    `license`, `parameters`) or without `all` of several."""

    spellings: list[str]
    without: dict[str, int]


@published("SearchPage")
class SearchResponse(Struct):
    """`total` is exact if `total_is_exact`. `facets` counts the matches in each category; above 10,000 matches it
    may count only the newest. `levels` counts in the same way those of each level of reliability, "1" to "5", and
    those whose author states none, "not_stated", and `motions` those of each kind of motion. `expanded` has the
    terms of `q` that were searched for by other names, too, with these names. `degraded` means that the search
    index was unavailable. `next` is the cursor of the page after this one. `suggestions` help if nothing matches.

    Degraded results come from the database: the mechanisms among the 10,000 newest that contain all words, newest
    first unless the most reliable ones are to be, without facets, levels, motions, highlights and `expanded`.
    """

    items: list[SearchHitResponse]
    page: int
    limit: int
    total: int
    total_is_exact: bool
    facets: dict[str, int]
    levels: dict[str, int]
    motions: dict[str, int]
    expanded: dict[str, list[str]]
    degraded: bool
    next: str | None
    suggestions: HelpResponse


@published("Suggestion")
class SuggestionResponse(Struct):
    """`text` is a title, or the name of an author, a category or a term of the thesaurus."""

    kind: SuggestionKind
    text: str


@published("SuggestionList")
class SuggestionsResponse(Struct):
    """`items` are titles, `suggestions` titles, categories, authors and terms, each with its kind. `degraded` means
    that the search index was unavailable; there are none then."""

    items: list[str]
    suggestions: list[SuggestionResponse]
    degraded: bool


class _Shown(Struct):
    """What an encoded `MechanismResponse` shows, as far as it decides whether a search may show it."""

    version: int
    visibility: Visibility


def search_response(
    found: SearchPage, items: list[SearchHitResponse], sort: SearchSort, conditions: str
) -> SearchResponse:
    """Returns a page of the search with these `conditions` and `items`, with the cursor of the next page."""
    return SearchResponse(
        items=items,
        page=found.page,
        limit=found.limit,
        total=found.total,
        total_is_exact=found.total_is_exact,
        facets={str(id): count for id, count in found.facets.items()},
        levels={
            str(level or "not_stated"): found.levels[level] for level in sorted(found.levels, reverse=True)
        },
        motions={kind.value: found.motions[kind] for kind in MotionKind if kind in found.motions},
        expanded={term: list(names) for term, names in found.expanded},
        degraded=found.degraded,
        next=cursor_of(found.next, sort.order, found.page + 1, conditions) if found.next else None,
        suggestions=HelpResponse(spellings=list(found.help.spellings), without=dict(found.help.without)),
    )


def suggestions_response(
    found: Suggestions, others: tuple[Suggestion, ...], limit: int
) -> SuggestionsResponse:
    return SuggestionsResponse(
        items=list(found.titles),
        suggestions=[SuggestionResponse(each.kind, each.text) for each in found.first(limit, others)],
        degraded=found.degraded,
    )


def found_hits(found: SearchPage, addresses: MediaAddresses) -> list[SearchHitResponse]:
    """Returns the items of the page."""
    return [_search_hit(mechanism_response(item.found, addresses), item) for item in found.items]


def encoded_hits(bodies: Sequence[bytes], hits: Sequence[Hit]) -> list[SearchHitResponse]:
    """Returns the hits with their encoded mechanisms; both in the same order."""
    return [_search_hit(msgspec.Raw(body), hit) for body, hit in zip(bodies, hits, strict=True)]


def is_as_found(body: bytes, hit: Hit) -> bool:
    """Whether this encoded mechanism, which everybody may see who has its address, is the version that the index found,
    and not unlisted."""
    shown = msgspec.json.decode(body, type=_Shown)
    return shown.version == hit.version and shown.visibility is not Visibility.UNLISTED


def _search_hit(mechanism: Any, hit: FoundMechanism | Hit) -> SearchHitResponse:
    highlights = {
        name: [Piece(text, is_match) for text, is_match in pieces] for name, pieces in hit.highlights.items()
    }
    return SearchHitResponse(mechanism, highlights, hit.page)
