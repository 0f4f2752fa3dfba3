"""The search index: a copy of the mechanisms in the database, made for searching."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Protocol

from mechshare.domain.audiences import PUBLIC_AUDIENCE, Audience
from mechshare.domain.ids import MechanismId
from mechshare.domain.search import SearchQuery, SearchResult
from mechshare.domain.search_documents import SearchDocument
from mechshare.domain.suggestions import SuggestionKind

FindWords = Callable[[str], Sequence[tuple[str, ...]]]
"""Returns the words of a query for the database, which finds words as parts of texts: each as typed and then by other
texts that may stand for it."""


class SearchIndex(Protocol):
    """Every method raises Unavailable if the index does not respond.

    Matching: text is normalized by NFKC and case. Japanese matches by two or more consecutive characters (歯車), Latin
    words match by their stem, and the last word of a query also by its beginning. All words of a query must match
    somewhere in title, description, category names, author or pages. A match in the title has the highest weight; an
    equal title ranks first.

    The words by which a query is loosened, and those that are proposed for it, are words of public documents: what
    others may not see leaves no trace in any result.
    """

    async def put(self, documents: Sequence[SearchDocument]) -> None:
        """Stores the documents; searches that begin after this returns find them. Ignores a version older than the
        stored one."""

    async def remove(self, mechanism_id: MechanismId, version: int) -> None:
        """Removes the mechanism. A later `put` of `version` or an older one is ignored."""

    async def search(self, query: SearchQuery) -> SearchResult:
        """Returns the hits, best first; equal scores newest first, then by identifier.

        Highlights mark the matches; of a document, those in the passage with the most of them. Hits further down the
        page may lack them. With more than EXACT_TOTAL matches, the
        index may rank only the newest (at least EXACT_TOTAL) and those with an equal title. Raises SearchTimedOut if it
        takes too long, for any text.
        """

    async def suggest(
        self,
        prefix: str,
        limit: int,
        *,
        audience: Audience = PUBLIC_AUDIENCE,
        excluded: Sequence[MechanismId] = (),
        kind: SuggestionKind = SuggestionKind.TITLE,
    ) -> tuple[str, ...]:
        """Returns distinct titles of mechanisms published for somebody of the `audience`, with a word that begins with
        `prefix`: in Japanese, with any kanji or part of a word in katakana, in any spelling. A title that only
        mechanisms in `excluded` have, at most MAX_EXCLUDED, is left out.

        Of the kind AUTHOR, returns the display names of authors of such mechanisms whose display name or user name
        begins with `prefix`; of the kind TERM, names in the thesaurus, if the index has one; of the kind CATEGORY,
        none.
        """

    async def rebuild(self, documents: AsyncIterator[SearchDocument]) -> int:
        """Replaces the whole index with these documents; meanwhile searches find no less. Returns how many there
        were."""

    async def needs_rebuild(self) -> bool:
        """Returns whether documents may be missing: the index is new or was wiped, and no `rebuild` has finished
        since."""

    async def close(self) -> None:
        """Releases the adapter's resources."""
