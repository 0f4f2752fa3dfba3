"""The search index: a copy of what is in the database, made to be searched."""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from mechshare.domain.ids import MechanismId
from mechshare.domain.search import SearchDocument, SearchQuery, SearchResult


class SearchIndex(Protocol):
    """Every method raises Unavailable when the index does not answer.

    Matching: text is folded by NFKC and case; Japanese is found by its characters in a row (two suffice: 歯車), Latin
    words by their stem, the last word of a query by its beginning too. All words of a query must match somewhere in
    title, description, category names or author. A match in the title weighs most, an equal title outranks all.
    """

    async def put(self, documents: Sequence[SearchDocument]) -> None:
        """Found by searches that begin after this returns. An older version than the one held is ignored."""

    async def remove(self, mechanism_id: MechanismId, version: int) -> None:
        """Not found any more. A later `put` of `version` or an older one is ignored."""

    async def search(self, query: SearchQuery) -> SearchResult:
        """A search that takes too long ends with SearchTimedOut, whatever its text; later hits may lack highlights.

        Best first; equal scores newest first, then by identifier. Highlights mark what matched.

        Of more than EXACT_TOTAL matches, the newest alone may be ranked, as many at least, and what has an equal title.
        """

    async def suggest(self, prefix: str, limit: int) -> tuple[str, ...]:
        """Distinct titles of published mechanisms that have a word (or, in Japanese, a run) beginning with `prefix`."""

    async def rebuild(self, documents: AsyncIterator[SearchDocument]) -> int:
        """Replaces the whole index by these, with no moment at which searches find less; how many there were."""

    async def needs_rebuild(self) -> bool:
        """Whether what was put may be missing: it is new, or was wiped, and no `rebuild` has come to its end since."""

    async def close(self) -> None:
        """Gives back what the adapter holds."""
