"""The search index in OpenSearch, shared by any number of machines."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from mechshare.adapters.search.opensearch.aliases import Indices
from mechshare.adapters.search.opensearch.client import DEPENDENCY, OpenSearchServer
from mechshare.adapters.search.opensearch.mapping import FORMAT, is_tombstone, tombstone_version
from mechshare.adapters.search.opensearch.pagination import page
from mechshare.adapters.search.opensearch.queries import (
    authors_body,
    nearest_body,
    passages_body,
    search_body,
    titles_body,
    titles_starting_with,
    titles_with_later_word,
)
from mechshare.adapters.search.opensearch.rebuild import rebuild
from mechshare.adapters.search.opensearch.responses import (
    authors_of,
    passages_of_hits,
    result_of,
    titles_of,
    tokens_near,
)
from mechshare.adapters.search.opensearch.writes import Write, document_writes, tombstone_write, write
from mechshare.adapters.search.text.loosening import (
    is_loosened,
    loosened,
    most_edits,
    most_edits_unfound,
    nearest_words,
    typed_words,
)
from mechshare.adapters.search.text.passages import Passage
from mechshare.adapters.search.text.query import ParsedQuery, parse_query
from mechshare.adapters.search.text.tokenizer import opening_of
from mechshare.domain.audiences import PUBLIC_AUDIENCE, Audience
from mechshare.domain.errors import DependencyUnavailable
from mechshare.domain.ids import MechanismId
from mechshare.domain.search import SearchQuery, SearchResult, Synonyms
from mechshare.domain.search_documents import SearchDocument
from mechshare.domain.suggestions import SuggestionKind

SEARCH_SECONDS = 0.5
WRITE_SECONDS = 10.0
_SEARCHES = 8
"""Concurrent searches of this process. Others wait here; waiting at the server would count against their time limit."""
_MAX_SUGGESTION_SOURCES = 1_000
"""Mechanisms that suggestions come from. If more titles match the prefix, none is more likely to be meant."""


class NewerFormat(Exception):
    """A newer release wrote the index. `mechshare reindex` replaces it if the upgrade is taken back."""


class OpenSearchIndex:
    """One index behind an alias. The first write creates it; if it is deleted, the next write creates it again.

    Until then a search raises Unavailable, as it does without a response within `search_seconds`. Writes carry external
    versions: OpenSearch rejects outdated ones, whatever their sender and order.

    Two releases, as during an upgrade, never replace each other's index: the older one searches that of the newer, and
    leaves changes to it.
    """

    def __init__(self, url: str, *, search_seconds: float = SEARCH_SECONDS) -> None:
        self._server = OpenSearchServer(url)
        self._indices = Indices(self._server)
        self._search_seconds = search_seconds
        self._searching = asyncio.Semaphore(_SEARCHES)
        self._is_made = False
        self._making = asyncio.Lock()

    async def put(self, documents: Sequence[SearchDocument]) -> None:
        await self._write(await asyncio.to_thread(document_writes, documents))

    async def remove(self, mechanism_id: MechanismId, version: int) -> None:
        """Removes the document even if the index holds a newer version; the tombstone then gets the next version."""
        for alias in await self._write([tombstone_write(mechanism_id, tombstone_version(version))]):
            async with self._server.client() as client:
                newer = await client.get(
                    index=alias, id=mechanism_id, _source=False, ignore=404, request_timeout=WRITE_SECONDS
                )
            if newer.get("found") and not is_tombstone(newer["_version"]):
                mark = tombstone_write(mechanism_id, newer["_version"] + 1)
                await write(self._server, [(alias, mark)], seconds=WRITE_SECONDS)

    async def search(self, query: SearchQuery) -> SearchResult:
        parsed = parse_query(query.text, query.synonyms)
        if not parsed.is_blank and not parsed.clauses:
            return SearchResult(hits=(), total=0, facets={})
        counted, hits = await page(self._search, search_body(query, parsed), query.offset, query.limit)
        expanded: Synonyms = ()
        nearest: Synonyms = ()
        if is_loosened(query, parsed, counted["hits"]["total"]["value"]):
            loose, expanded = loosened(parsed, await self._nearest(parsed, most_edits), query.parts)
            if loose is not parsed:
                parsed = loose
                counted, hits = await page(self._search, search_body(query, loose), query.offset, query.limit)
            if not counted["hits"]["total"]["value"]:
                nearest = tuple((await self._nearest(parsed, most_edits_unfound)).items())
        passages = await self._passages(parsed, hits)
        result = await asyncio.to_thread(result_of, query, parsed, counted, hits, passages)
        return replace(result, expanded=expanded, nearest=nearest)

    async def suggest(
        self,
        prefix: str,
        limit: int,
        *,
        audience: Audience = PUBLIC_AUDIENCE,
        excluded: Sequence[MechanismId] = (),
        kind: SuggestionKind = SuggestionKind.TITLE,
    ) -> tuple[str, ...]:
        beginning = opening_of(prefix)
        if not beginning or limit < 1 or kind not in (SuggestionKind.TITLE, SuggestionKind.AUTHOR):
            return ()
        if kind is SuggestionKind.AUTHOR:
            return authors_of(await self._search(authors_body(beginning, audience, excluded, limit)))
        titles = await self._titles(titles_starting_with(beginning, audience, excluded), limit)
        if len(titles) < limit:
            titles += await self._titles(
                titles_with_later_word(beginning, audience, excluded), limit - len(titles)
            )
        # A title that changed between the two requests may be in both results.
        return tuple(dict.fromkeys(titles))

    async def rebuild(self, documents: AsyncIterator[SearchDocument]) -> int:
        """Fills another index, which atomically replaces the searched one; changes made meanwhile go to both.

        A rebuild that fails before this changes nothing. Aborts any other rebuild, which then raises Unavailable.
        """
        return await rebuild(self._server, self._indices, documents)

    async def needs_rebuild(self) -> bool:
        return not await self._indices.is_complete()

    async def close(self) -> None:
        await self._server.close()

    async def _passages(self, parsed: ParsedQuery, hits: Sequence[Any]) -> Mapping[str, Passage]:
        """Returns the passage that matches best, by the identifiers of the hits that have one."""
        # An index of an earlier format has no counts until it is rebuilt.
        ids = [hit["_id"] for hit in hits if hit["_source"].get("passage_count")]
        if not ids or not parsed.clauses:
            return {}
        return passages_of_hits(await self._search(passages_body(parsed, ids)))

    async def _nearest(self, parsed: ParsedQuery, edits: Callable[[str], int]) -> dict[str, tuple[str, ...]]:
        """Returns the words of the index that are nearest to words of the query."""
        words = [word for word in typed_words(parsed) if edits(word)]
        if not words:
            return {}
        response = await self._search(nearest_body(words, edits))
        found = {word: nearest_words(word, edits(word), tokens_near(response, word)) for word in words}
        return {word: nearest for word, nearest in found.items() if nearest}

    async def _titles(self, conditions: dict[str, Any], limit: int) -> tuple[str, ...]:
        response = await self._search(titles_body(conditions, limit, among=_MAX_SUGGESTION_SOURCES))
        if response.get("terminated_early") and len(response["hits"]["hits"]) < limit:
            # The examined mechanisms have too few distinct titles.
            response = await self._search(titles_body(conditions, limit))
        return titles_of(response)

    async def _search(self, body: dict[str, Any]) -> Any:
        async with self._searching:
            response = await self._server.search(self._indices.current, body, seconds=self._search_seconds)
        if response is None:
            raise DependencyUnavailable(dependency=DEPENDENCY)
        return response

    async def _write(self, writes: Sequence[Write]) -> list[str]:
        """Writes to the searched index and to the one being rebuilt. Returns the aliases that hold a newer version.

        Raises Unavailable if a newer release has begun to replace the index: it needs documents of its own format.
        Writes to the latter first, because it may replace the former between the two.
        """
        aliases = (self._indices.next, self._indices.current)
        both = [(alias, each) for each in writes for alias in aliases]
        if await self._indices.newest_format() > FORMAT:
            raise DependencyUnavailable(dependency=DEPENDENCY) from NewerFormat(
                "a newer release wrote the index"
            )
        if not self._is_made:
            await self._make()
        statuses = await write(self._server, both, seconds=WRITE_SECONDS)
        if HTTPStatus.NOT_FOUND in statuses[1::2]:
            await self._make()
            statuses = await write(self._server, both, seconds=WRITE_SECONDS)
        if HTTPStatus.NOT_FOUND in statuses[1::2]:
            raise DependencyUnavailable(dependency=DEPENDENCY)
        refused = zip(both, statuses, strict=True)
        return [alias for (alias, _), status in refused if status is HTTPStatus.CONFLICT]

    async def _make(self) -> None:
        async with self._making:
            await self._indices.make_current()
        self._is_made = True
