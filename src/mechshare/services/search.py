"""Finding mechanisms, and keeping the index in step with the database."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence

from mechshare.domain.errors import Unavailable
from mechshare.domain.ids import CategoryId, UserId
from mechshare.domain.mechanisms import Mechanism
from mechshare.domain.overload import SearchTimedOut
from mechshare.domain.pagination import EXACT_TOTAL, PageRequest
from mechshare.domain.policy import Viewer, can_see, sees_unpublished_of
from mechshare.domain.search import (
    FoundMechanism,
    SearchPage,
    SearchQuery,
    SearchResult,
    SearchSort,
    Suggestions,
    clean_query,
)
from mechshare.ports.search import SearchIndex
from mechshare.services.indexing import rebuild
from mechshare.services.support.concurrency_limit import ConcurrencyLimit
from mechshare.services.transactions import Transactions

_MAX_WORDS = 8
"""Of a question to the database, which reads each text for each; whoever has typed more may find more than asked."""
_MAX_SCANNED = 10_000
"""Mechanisms that the database looks at, the newest: among any number of them, an answer is to come in time."""
_MAX_BATCH_SIZE = 3
"""Searches that the database does, so that whoever asks it for less is not kept waiting by them."""
MAX_CONCURRENT_SEARCHES = 64
"""Of one process, waiting ones included; what the response cache serves is not among them."""
_QUOTES = str.maketrans(dict.fromkeys('"“”', " "))


class SearchService:
    def __init__(self, transactions: Transactions, index: SearchIndex) -> None:
        self._transactions = transactions
        self._index = index
        self._searching_database = asyncio.Semaphore(_MAX_BATCH_SIZE)
        self._limit = ConcurrencyLimit(MAX_CONCURRENT_SEARCHES)

    async def search(
        self,
        viewer: Viewer,
        text: str,
        *,
        category_ids: Sequence[CategoryId] = (),
        user_id: UserId | None = None,
        sort: SearchSort = SearchSort.RELEVANCE,
        page: int = 1,
        limit: int = 20,
    ) -> SearchPage:
        """What `viewer` may see and `text` matches; everything for an empty text.

        Raises InvalidField, Unavailable, Overloaded, SearchTimedOut.
        The index proposes and the database decides: a hit that is gone or hidden by now is left out and not counted.
        When the index does not answer, the database does, less well, and of what is newest: the page is `degraded`.
        """
        query = SearchQuery(
            text=clean_query(text),
            category_ids=tuple(category_ids),
            user_id=user_id,
            published_only=not sees_unpublished_of(viewer, user_id),
            sort=sort,
            offset=(page - 1) * limit,
            limit=limit,
        )
        request = PageRequest(page=page, limit=limit)
        with self._limit.admit():
            try:
                result = await self._index.search(query)
            except SearchTimedOut:
                # The database would take as long, and would then keep others waiting.
                raise
            except Unavailable:
                return await self._search_database(query, request)
            return await self._page(viewer, result, request)

    async def _page(self, viewer: Viewer, result: SearchResult, request: PageRequest) -> SearchPage:
        highlights = {hit.mechanism_id: hit.highlights for hit in result.hits}
        async with self._transactions.read() as tx:
            found = await tx.mechanisms.find_authored(list(highlights))
        items = tuple(
            FoundMechanism(found=item, highlights=highlights[item.mechanism.id])
            for item in found
            if can_see(viewer, item.mechanism)
        )
        is_exact = result.total <= EXACT_TOTAL
        hidden = [item.mechanism for item in found if not can_see(viewer, item.mechanism)]
        return SearchPage(
            items=items,
            page=request.page,
            limit=request.limit,
            total=result.total - (len(highlights) - len(items)) if is_exact else EXACT_TOTAL,
            total_is_exact=is_exact,
            facets=_without(hidden, result.facets),
        )

    async def _search_database(self, query: SearchQuery, request: PageRequest) -> SearchPage:
        words = query.text.translate(_QUOTES).split() or query.text.split()
        async with self._searching_database, self._transactions.read() as tx:
            found = await tx.mechanisms.find_all(
                request,
                words=words[:_MAX_WORDS],
                among=_MAX_SCANNED,
                category_ids=query.category_ids,
                user_id=query.user_id,
                published_only=query.published_only,
            )
        items = tuple(FoundMechanism(found=item, highlights={}) for item in found.items)
        return SearchPage(
            items=items,
            page=found.page,
            limit=found.limit,
            total=found.total,
            total_is_exact=False,  # of those that it looked at
            facets={},
            degraded=True,
        )

    async def suggest(self, prefix: str, limit: int) -> Suggestions:
        """Titles of published mechanisms that go on from `prefix`; none for an empty one.

        Raises InvalidField, Overloaded, SearchTimedOut.

        When the index does not answer, there are none: looking at every row for each letter typed is not worth it.
        """
        cleaned = clean_query(prefix)
        if not cleaned:
            return Suggestions()
        with self._limit.admit():
            try:
                return Suggestions(titles=await self._index.suggest(cleaned, limit))
            except Unavailable:
                return Suggestions(degraded=True)

    async def reindex(self) -> int:
        """Rebuilds the whole index from the database; how many mechanisms it holds."""
        return await rebuild(self._transactions, self._index)


def _without(hidden: Sequence[Mechanism], facets: Mapping[CategoryId, int]) -> Mapping[CategoryId, int]:
    """`facets` not counting what the index does not know to be hidden yet."""
    superfluous = Counter(category for mechanism in hidden for category in mechanism.categories)
    left = {category: count - superfluous[category] for category, count in facets.items()}
    return {category: count for category, count in left.items() if count > 0}
