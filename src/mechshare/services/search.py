"""Searches mechanisms by the index, or by the database while the index is unavailable."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any, Unpack

from mechshare.domain.audiences import PUBLIC_AUDIENCE, Audience, audience_with
from mechshare.domain.errors import Unavailable
from mechshare.domain.ids import MechanismId, UserId
from mechshare.domain.jobs import INDEXING, JobKind
from mechshare.domain.mechanism_sorts import MechanismSort
from mechshare.domain.mechanisms import Mechanism
from mechshare.domain.overload import ConcurrencyLimit, QueryTimedOut, SearchTimedOut
from mechshare.domain.pagination import EXACT_TOTAL, PageRequest, Position
from mechshare.domain.policy import Viewer, scope_of
from mechshare.domain.search import (
    DEFAULT_CONDITIONS,
    MAX_EXCLUDED,
    NO_HELP,
    OF_DATABASE,
    FoundHits,
    FoundMechanism,
    Hit,
    SearchConditions,
    SearchHelp,
    SearchPage,
    SearchPlace,
    SearchQuery,
    SearchResult,
    SearchSort,
    clean_query,
    hits_of_page,
    place_at,
    query_within,
)
from mechshare.domain.suggestions import Suggestion, SuggestionKind, Suggestions
from mechshare.domain.users import normal_login
from mechshare.domain.visibility import ListScope
from mechshare.ports.search import FindWords, SearchIndex
from mechshare.services.indexing import rebuild
from mechshare.services.support.access import found_among
from mechshare.services.support.data_loader import DataLoader
from mechshare.services.support.facets import families_of, without
from mechshare.services.support.query_texts import completes, respelled
from mechshare.services.transactions import Transactions

_MAX_WORDS = 8
"""The most words in a search by the database, which scans each text once per word. Further words are ignored, so a
longer query may match too much."""
_MAX_SCANNED = 10_000
"""How many mechanisms, the newest, a search by the database scans: this bounds its time, however many there are."""
_MAX_WAIT_SECONDS = 3.0
MAX_CONCURRENT_SEARCHES = 64
"""The most concurrent searches of one process, including waiting ones; responses served from the cache do not count."""
_MAX_SPELLINGS = 3
_DATABASE_SORTS = {SearchSort.MOST_RELIABLE: MechanismSort.MOST_RELIABLE}
_NOBODY = UserId("")
"""No account has this id."""
_QUOTES = str.maketrans(dict.fromkeys('"“”', " "))


class SearchService:
    def __init__(
        self,
        transactions: Transactions,
        index: SearchIndex,
        *,
        words: FindWords | None = None,
        scans_at_a_time: int,
        max_wait_seconds: float = _MAX_WAIT_SECONDS,
    ) -> None:
        """Without `words`, the database looks for the words of a query as they are typed.

        `scans_at_a_time` is the maximum number of concurrent searches by the database, and `max_wait_seconds` the time
        for which others wait. The database needs more connections than that, so that searches do not delay cheaper
        queries."""
        self._transactions = transactions
        self._index = index
        self._find_words = words
        self._scans = asyncio.Semaphore(scans_at_a_time)
        self._max_wait_seconds = max_wait_seconds
        self._limit = ConcurrencyLimit(MAX_CONCURRENT_SEARCHES)
        # A publication outdates all cached searches at once: those that begin during a read share the next one.
        self._undone = DataLoader(self._find_undone, max_batches=1)

    async def search(self, viewer: Viewer, text: str, **conditions: Unpack[SearchConditions]) -> SearchPage:
        """Returns a page of the mechanisms that match `text` and that `viewer` may see; all of them for an empty text.

        Raises MalformedRequest, InvalidField, Unavailable, Overloaded, SearchTimedOut.

        Mechanisms whose last change the index may lack are in no hit, highlight, total or facet; nor is a hit whose
        document is not the current public version. While the index is unavailable, or more than MAX_EXCLUDED mechanisms
        wait to be indexed, the page is `degraded`: the database searches the newest mechanisms, less precisely.
        """
        return await self.read_page(viewer, await self.find_hits(viewer, text, **conditions))

    async def find_hits(self, viewer: Viewer, text: str, **conditions: Unpack[SearchConditions]) -> FoundHits:
        """Returns what `search` finds, before the mechanisms are read. Raises what `search` raises."""
        given = DEFAULT_CONDITIONS | conditions
        scope = scope_of(viewer, given["user_id"])
        author = given["author"]
        writer = await self._find_author(author, given["user_id"]) if author else given["user_id"]
        request = PageRequest(page=given["page"], limit=given["limit"])
        query = query_within(
            replace(given["within"], user_id=writer),
            text=clean_query(text),
            published_only=not scope.is_everything,
            audience=await self._find_audience(scope),
            sort=given["sort"],
            offset=request.offset,
            limit=request.limit,
            after=place_at(given["after"]) if given["after"] else None,
        )
        with self._limit.admit():
            return await self._find(query, scope, request)

    async def _find(self, query: SearchQuery, scope: ListScope, request: PageRequest) -> FoundHits:
        # Read before the search: what changes later, the caller could not have known yet.
        unindexed = await self._find_unindexed(query.audience, with_drafts=scope.is_everything)
        if unindexed is None or (query.after and query.after.is_of_database):
            return await self._search_database(query, scope, request)
        # One more than the page shows, to know whether another page follows.
        query = replace(query, excluded=unindexed, limit=request.limit + 1)
        try:
            result = await self._index.search(query)
        except SearchTimedOut:
            # The database would take as long, and would then delay other searches.
            raise
        except Unavailable:
            return await self._search_database(query, scope, request)
        help = NO_HELP if result.total else await self._help(query, result)
        return hits_of_page(result, request, help, is_complete=not unindexed)

    async def _help(self, query: SearchQuery, result: SearchResult) -> SearchHelp:
        """Returns how to find mechanisms instead; nothing if the index does not respond any more."""
        try:
            spellings = [
                text for text in respelled(query.text, result.nearest) if await self._count(query, text=text)
            ]
            counts = {name: await self._count(wider) for name, wider in query.without_filters.items()}
        except Unavailable:
            return NO_HELP
        return SearchHelp(
            spellings=tuple(spellings[:_MAX_SPELLINGS]),
            without={name: count for name, count in counts.items() if count},
        )

    async def _count(self, query: SearchQuery, **changes: Any) -> int:
        """Counts the matches, up to EXACT_TOTAL."""
        counted = replace(query, offset=0, limit=0, after=None, **changes)
        return min((await self._index.search(counted)).total, EXACT_TOTAL)

    async def _find_author(self, username: str, user_id: UserId | None) -> UserId:
        """Returns the id of the user with this name; _NOBODY if there is none, or if `user_id` is another one."""
        async with self._transactions.read() as tx:
            user = await tx.users.find_by_login(normal_login(username))
        # The lookup also accepts e-mail addresses; a match would reveal whose address it is.
        is_author = user and user.username == normal_login(username) and user_id in (None, user.id)
        return user.id if user and is_author else _NOBODY

    async def _find_audience(self, scope: ListScope) -> Audience:
        """Returns the audience to which the reader belongs at present; the public one without a reader."""
        if scope.reader is None:
            return PUBLIC_AUDIENCE
        async with self._transactions.read() as tx:
            memberships = await tx.memberships.find_of_user(scope.reader)
        return audience_with(scope.reader, [one.group_id for one in memberships])

    async def _find_unindexed(
        self, audience: Audience, *, with_drafts: bool = False
    ) -> tuple[MechanismId, ...] | None:
        """Returns the mechanisms whose last change the index may lack, or None if there are more than MAX_EXCLUDED.

        The index lacks a change until its job is done. For the public audience without `with_drafts`, returns those
        that are or were public.
        """
        is_public = audience == PUBLIC_AUDIENCE and not with_drafts
        kinds = (JobKind.INDEX_MECHANISM,) if is_public else INDEXING
        undone = [id for kind in kinds for id in await self._undone.load(kind)]
        ids = tuple(dict.fromkeys(map(MechanismId, undone)))
        return ids if len(ids) <= MAX_EXCLUDED else None

    async def _find_undone(self, kinds: Sequence[JobKind]) -> Sequence[tuple[str, ...]]:
        async with self._transactions.read() as tx:
            return [await tx.undone_jobs.find_subjects(kind, MAX_EXCLUDED + 1) for kind in kinds]

    async def read_page(self, viewer: Viewer, found: FoundHits) -> SearchPage:
        """Returns the page with those mechanisms that `viewer` may see, in their current versions."""
        page, hits = found.page, {hit.mechanism_id: hit for hit in found.hits}
        if page.degraded:
            return page
        async with self._transactions.read() as tx:
            read = await tx.mechanisms.find_authored(list(hits))
            visible = await found_among(tx, viewer, read)
            shown = [item for item in visible if _is_current(hits[item.mechanism.id], item.mechanism)]
            hidden = [item.mechanism for item in read if item not in shown]
            families = await families_of(tx, hidden)
        items = tuple(
            FoundMechanism(found=item, highlights=hit.highlights, page=hit.page)
            for item, hit in ((each, hits[each.mechanism.id]) for each in shown)
        )
        return replace(
            page,
            items=items,
            total=page.total - (len(hits) - len(items)) if page.total_is_exact else page.total,
            facets=without((id for family in families for id in family), page.facets),
            levels=without((each.reliability_rank for each in hidden), page.levels),
            motions=without((each.motion_kind for each in hidden if each.motion_kind), page.motions),
            is_complete=page.is_complete and not hidden,
        )

    async def _search_database(self, query: SearchQuery, scope: ListScope, request: PageRequest) -> FoundHits:
        words = self._words_for_database(query.text)[:_MAX_WORDS]
        sort = _DATABASE_SORTS.get(query.sort, MechanismSort.NEWEST)
        if query.after:
            request = replace(request, after=_position_of(query.after, sort))
        async with self._scan(), self._transactions.read() as tx:
            found = await tx.mechanisms.find_all(
                request,
                query.filter,
                words=[word for word, *_ in words],
                other_names=[names for _, *names in words],
                among=_MAX_SCANNED,
                sort=sort,
                scope=scope,
            )
        items = tuple(FoundMechanism(found=item, highlights={}) for item in found.items)
        page = SearchPage(
            items=items,
            page=found.page,
            limit=found.limit,
            total=found.total,
            total_is_exact=False,  # counts only the mechanisms that were scanned
            facets={},
            degraded=True,
            next=_place_of(found.items[-1].mechanism).position if found.next else None,
        )
        return FoundHits(hits=(), page=page)

    def _words_for_database(self, text: str) -> Sequence[tuple[str, ...]]:
        typed = text.translate(_QUOTES).split() or text.split()
        return self._find_words(text) if self._find_words else [(word,) for word in typed]

    @asynccontextmanager
    async def _scan(self) -> AsyncIterator[None]:
        """Encloses a search by the database. Raises SearchTimedOut if it waits too long for earlier ones, or if the
        database interrupts it."""
        try:
            async with asyncio.timeout(self._max_wait_seconds):
                await self._scans.acquire()
        except TimeoutError as late:
            raise SearchTimedOut() from late
        try:
            yield
        except QueryTimedOut as late:
            raise SearchTimedOut() from late
        finally:
            self._scans.release()

    async def suggest(self, viewer: Viewer, prefix: str, limit: int) -> Suggestions:
        """Returns titles of published mechanisms that `viewer` may see, with a word that begins with `prefix`; none for
        an empty one.

        Raises InvalidField, Unavailable, Overloaded, SearchTimedOut.

        Titles of mechanisms whose last change the index may lack are left out. While the index is unavailable, or more
        than MAX_EXCLUDED mechanisms wait to be indexed, the result is `degraded` and empty: a scan of the database per
        typed letter is too costly.
        """
        cleaned = clean_query(prefix)
        if not cleaned:
            return Suggestions()
        with self._limit.admit():
            audience = await self._find_audience(scope_of(viewer, None))
            unindexed = await self._find_unindexed(audience)
            if unindexed is None:
                return Suggestions(degraded=True)
            try:
                titles = await self._index.suggest(cleaned, limit, audience=audience, excluded=unindexed)
            except Unavailable:
                return Suggestions(degraded=True)
            return Suggestions(titles=titles, is_complete=not unindexed)

    async def suggest_others(self, viewer: Viewer, prefix: str, limit: int) -> tuple[Suggestion, ...]:
        """Returns up to `limit` categories, authors of published mechanisms and terms of the thesaurus each, with a
        word that begins with `prefix`; none for an empty one. Without the index, only categories.

        Raises InvalidField, Overloaded.
        """
        cleaned = clean_query(prefix)
        if not cleaned:
            return ()
        with self._limit.admit():
            async with self._transactions.read() as tx:
                categories = await tx.categories.find_all()
            names = [name for each in categories for name in (each.name_ja, each.name_en)]
            found = {SuggestionKind.CATEGORY: [name for name in names if completes(cleaned, name)][:limit]}
            audience = await self._find_audience(scope_of(viewer, None))
            unindexed = await self._find_unindexed(audience)
            for kind in (SuggestionKind.AUTHOR, SuggestionKind.TERM) if unindexed is not None else ():
                with suppress(Unavailable):
                    found[kind] = list(
                        await self._index.suggest(
                            cleaned, limit, audience=audience, excluded=unindexed or (), kind=kind
                        )
                    )
        return tuple(Suggestion(kind=kind, text=each) for kind, texts in found.items() for each in texts)

    async def reindex(self) -> int:
        """Rebuilds the whole index from the database; returns how many mechanisms it holds."""
        return await rebuild(self._transactions, self._index)


def _position_of(place: SearchPlace, sort: MechanismSort) -> Position:
    """Returns the position in the order of the database."""
    key = int(place.score) if sort is MechanismSort.MOST_RELIABLE else place.created_at
    return Position(key=key, id=place.mechanism_id)


def _place_of(last: Mechanism) -> SearchPlace:
    return SearchPlace(
        score=float(last.reliability_rank),
        title_length=OF_DATABASE,
        created_at=last.created_at,
        mechanism_id=last.id,
    )


def _is_current(hit: Hit, mechanism: Mechanism) -> bool:
    """Whether the mechanism is as it was when indexed: a published one only in its current version, in case the index
    was restored from a copy. The versions of drafts also count steps of processing, which show no text
    to others."""
    return hit.version == mechanism.version or not mechanism.is_published
