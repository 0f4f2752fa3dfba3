"""Widens searches by the thesaurus."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from functools import lru_cache

from mechshare.adapters.search.text.thesaurus import Thesaurus
from mechshare.domain.audiences import PUBLIC_AUDIENCE, Audience
from mechshare.domain.ids import MechanismId
from mechshare.domain.search import SearchQuery, SearchResult, Synonyms
from mechshare.domain.search_documents import SearchDocument
from mechshare.domain.suggestions import SuggestionKind
from mechshare.ports.search import SearchIndex

_REMEMBERED_QUERIES = 1_000
"""Queries whose terms are remembered: to find them takes a third of the time of a search."""


class WidenedSearchIndex:
    """Passes everything on to `index`, with the other names that the thesaurus has for the terms of a query."""

    def __init__(self, index: SearchIndex, thesaurus: Thesaurus) -> None:
        self._index = index
        self._thesaurus = thesaurus
        self._find_synonyms = lru_cache(_REMEMBERED_QUERIES)(thesaurus.find_synonyms)
        self._find_parts = lru_cache(_REMEMBERED_QUERIES)(thesaurus.find_parts)
        self._find_nearest = lru_cache(_REMEMBERED_QUERIES)(thesaurus.find_nearest)

    async def search(self, query: SearchQuery) -> SearchResult:
        """Searches by the synonyms of the query and those of the thesaurus; the result names them all."""
        synonyms = query.synonyms + self._find_synonyms(query.text)
        parts = query.parts + self._find_parts(query.text)
        result = await self._index.search(replace(query, synonyms=synonyms, parts=parts))
        nearest = result.nearest if result.total else self._nearest(query.text, result.nearest)
        return replace(result, expanded=synonyms + result.expanded, nearest=nearest)

    def _nearest(self, text: str, of_index: Synonyms) -> Synonyms:
        """Returns the nearest words of the index and names of the thesaurus for each word of the query `text`."""
        nearest = dict(of_index)
        for word, names in self._find_nearest(text):
            nearest[word] = tuple(dict.fromkeys((*nearest.get(word, ()), *names)))
        return tuple(nearest.items())

    async def put(self, documents: Sequence[SearchDocument]) -> None:
        await self._index.put(documents)

    async def remove(self, mechanism_id: MechanismId, version: int) -> None:
        await self._index.remove(mechanism_id, version)

    async def suggest(
        self,
        prefix: str,
        limit: int,
        *,
        audience: Audience = PUBLIC_AUDIENCE,
        excluded: Sequence[MechanismId] = (),
        kind: SuggestionKind = SuggestionKind.TITLE,
    ) -> tuple[str, ...]:
        if kind is SuggestionKind.TERM:
            return self._thesaurus.suggest(prefix, limit)
        return await self._index.suggest(prefix, limit, audience=audience, excluded=excluded, kind=kind)

    async def rebuild(self, documents: AsyncIterator[SearchDocument]) -> int:
        return await self._index.rebuild(documents)

    async def needs_rebuild(self) -> bool:
        return await self._index.needs_rebuild()

    async def close(self) -> None:
        await self._index.close()
