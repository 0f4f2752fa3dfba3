"""Measures the requests to a search index."""

import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager

from mechshare.adapters.metrics import SEARCHES
from mechshare.domain.audiences import PUBLIC_AUDIENCE, Audience
from mechshare.domain.errors import Unavailable
from mechshare.domain.ids import MechanismId
from mechshare.domain.overload import SearchTimedOut
from mechshare.domain.search import SearchQuery, SearchResult
from mechshare.domain.search_documents import SearchDocument
from mechshare.domain.suggestions import SuggestionKind
from mechshare.ports.search import SearchIndex


class MeasuredSearchIndex:
    """Passes everything on to `index` and records the time and the outcome of each request.

    Outcomes: `done`, `timed_out`, `unavailable` (then the database answers a search), `failed`.
    """

    def __init__(self, index: SearchIndex) -> None:
        self._index = index

    async def put(self, documents: Sequence[SearchDocument]) -> None:
        with _measured("put"):
            await self._index.put(documents)

    async def remove(self, mechanism_id: MechanismId, version: int) -> None:
        with _measured("remove"):
            await self._index.remove(mechanism_id, version)

    async def search(self, query: SearchQuery) -> SearchResult:
        with _measured("search"):
            return await self._index.search(query)

    async def suggest(
        self,
        prefix: str,
        limit: int,
        *,
        audience: Audience = PUBLIC_AUDIENCE,
        excluded: Sequence[MechanismId] = (),
        kind: SuggestionKind = SuggestionKind.TITLE,
    ) -> tuple[str, ...]:
        with _measured("suggest"):
            return await self._index.suggest(prefix, limit, audience=audience, excluded=excluded, kind=kind)

    async def rebuild(self, documents: AsyncIterator[SearchDocument]) -> int:
        return await self._index.rebuild(documents)

    async def needs_rebuild(self) -> bool:
        return await self._index.needs_rebuild()

    async def close(self) -> None:
        await self._index.close()


@contextmanager
def _measured(operation: str) -> Iterator[None]:
    started, outcome = time.perf_counter(), "failed"
    try:
        yield
        outcome = "done"
    except SearchTimedOut:
        outcome = "timed_out"
        raise
    except Unavailable:
        outcome = "unavailable"
        raise
    finally:
        SEARCHES.labels(operation, outcome).observe(time.perf_counter() - started)
