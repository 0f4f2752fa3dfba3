"""Public responses, which are encoded once for all callers. What more signed-in callers may see is read elsewhere."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from secrets import token_hex
from typing import Any

import msgspec
from litestar import Request

from mechshare.application import Application
from mechshare.domain.errors import MechanismNotFound
from mechshare.domain.ids import CategoryId, MechanismId
from mechshare.domain.policy import Viewer
from mechshare.domain.search import FoundHits, SearchPage
from mechshare.domain.statistics import Counts
from mechshare.domain.suggestions import Suggestions
from mechshare.domain.users import Actor
from mechshare.entrypoints.http.protocol.entity_tags import renewed_etag
from mechshare.entrypoints.http.protocol.pagination import next_link, page_response
from mechshare.entrypoints.http.protocol.responses import encoded_response
from mechshare.entrypoints.http.public_reads.keys import (
    INTERNAL_COUNTS_KEY,
    STRUCTURE_KEY,
    CategoriesKey,
    ListKey,
    SearchKey,
    SimilarKey,
    SuggestionsKey,
    encoded_key,
    mechanism_key,
)
from mechshare.entrypoints.http.representations.categories import (
    CategoriesResponse,
    categories_response,
    with_more,
)
from mechshare.entrypoints.http.representations.mechanisms import (
    mechanism_response,
    media_addresses,
    with_stats,
)
from mechshare.entrypoints.http.representations.search import (
    SearchHitResponse,
    encoded_hits,
    found_hits,
    is_as_found,
    search_response,
    suggestions_response,
)
from mechshare.entrypoints.http.representations.similar import similar_response
from mechshare.services.response_cache import CachedResponse, ResponseKey
from mechshare.services.support.data_loader import DataLoader

_MAX_OF_KIND = 3
"""Suggestions of each kind other than titles, at most."""


class PublicReads:
    """Returns public responses from the cache, and reads them on a miss.

    Concurrent requests for mechanisms share one lookup, one read and one write of the cache.
    """

    def __init__(self, application: Application) -> None:
        self._application = application
        self._responses = application.responses
        self._mechanisms = DataLoader(self._find_mechanisms, max_batches=self._responses.max_concurrent_loads)
        self.cached = application.responses.cached
        self.has = application.responses.has

    async def needs_fresh(self, viewer: Viewer) -> bool:
        """Whether `viewer` has just written, and must not get a response from before that."""
        return viewer is not None and await self._responses.has_just_written(viewer.id)

    async def mechanism(self, id: MechanismId) -> CachedResponse | None:
        """Returns None if not everybody who has the address may see the mechanism."""
        return self.cached(mechanism_key(id)) or await self._mechanisms.load(id)

    async def renew(self, ids: Sequence[MechanismId]) -> None:
        """Reads the numbers of those of these mechanisms, at most 100, that this process has cached: together, which
        costs less than one by one when they are requested."""
        known = [id for id in ids if self._responses.cached_part(encoded_key(id))]
        if known:
            await self._find_mechanisms(known, fresh=True)

    async def mechanism_page(self, key: ListKey) -> CachedResponse:
        return await self._responses.load(key.response_key, partial(self._read_page, key))

    def structure(self) -> bytes:
        """Returns a text that changes with every change of the categories after which a `ListKey` may be outdated;
        empty if it was not loaded since."""
        found = self.cached(STRUCTURE_KEY)
        return found.body if found else b""

    async def load_structure(self) -> None:
        await self._responses.load(STRUCTURE_KEY, self._new_structure)

    async def search(self, key: SearchKey) -> CachedResponse:
        """Raises InvalidField, Unavailable."""
        return await self._responses.load(key.response_key, partial(self._read_search, key))

    async def suggestions(self, key: SuggestionsKey) -> CachedResponse:
        return await self._responses.load(key.response_key, partial(self._read_suggestions, key))

    async def similar(self, key: SimilarKey) -> CachedResponse:
        """Raises MechanismNotFound."""
        # A change of an unlisted one invalidates no searches.
        if await self.mechanism(key.mechanism_id) is None:
            raise MechanismNotFound()
        return await self._responses.load(key.response_key, partial(self._read_similar, key))

    async def categories(self, viewer: Viewer) -> CachedResponse:
        """Returns the categories with their numbers of public mechanisms, the same for every viewer; one who has just
        written gets it as of now."""
        # Cached because counting many mechanisms is slow and clients read the categories often.
        fresh = await self.needs_fresh(viewer)
        return await self._responses.load(CategoriesKey().response_key, self._read_categories, fresh=fresh)

    async def internal_counts(self) -> Mapping[CategoryId, int]:
        """Returns how many internal mechanisms the categories have: for signed-in callers, all of whom see these."""
        stored = await self._responses.load(INTERNAL_COUNTS_KEY, self._read_internal_counts)
        return msgspec.json.decode(stored.body, type=dict[CategoryId, int])

    async def _new_structure(self) -> CachedResponse:
        return encoded_response(token_hex(8).encode())

    async def _find_mechanisms(
        self, ids: Sequence[MechanismId], *, fresh: bool = False
    ) -> Sequence[CachedResponse | None]:
        ids_by_key = {mechanism_key(id): id for id in ids}
        load = partial(self._read_mechanisms, ids_by_key)
        return await self._responses.load_many(list(ids_by_key), load, fresh=fresh)

    async def _read_mechanisms(
        self, ids_by_key: Mapping[ResponseKey, MechanismId], keys: Sequence[ResponseKey]
    ) -> Sequence[CachedResponse | None]:
        """Reads these mechanisms; of those that have not changed since they were encoded, only the numbers."""
        ids = [ids_by_key[key] for key in keys]
        encoded_keys = {encoded_key(id): id for id in ids}
        read: dict[MechanismId, CachedResponse] = {}
        load = partial(self._encode, encoded_keys, read)
        encoded = await self._responses.load_parts(list(encoded_keys), load)
        # Not of those that this call has read: their numbers are new.
        older = {id: one for id, one in zip(ids, encoded, strict=True) if one and id not in read}
        counts = await self._application.statistics.find_counts(list(older)) if older else {}
        renewed = {id: _with_counts(older[id], counts[id]) for id in counts}
        return [read.get(id) or renewed.get(id) for id in ids]

    async def _encode(
        self,
        ids_by_key: Mapping[ResponseKey, MechanismId],
        read: dict[MechanismId, CachedResponse],
        keys: Sequence[ResponseKey],
    ) -> Sequence[CachedResponse | None]:
        """Reads and encodes these mechanisms, and adds them to `read`."""
        ids = [ids_by_key[key] for key in keys]
        addresses = media_addresses(self._application)
        for item in await self._application.mechanisms.find_visible(None, ids):
            body = msgspec.json.encode(mechanism_response(item, addresses))
            read[item.mechanism.id] = encoded_response(body, version=item.mechanism.version)
        return [read.get(id) for id in ids]

    async def _read_page(self, key: ListKey) -> CachedResponse:
        mechanisms = self._application.mechanisms
        # All pages share one count, since counting costs more than reading a page.
        count = partial(mechanisms.count_public, key.filter)
        counted = await self._responses.count(key.count_key, count)
        request = replace(key.request, counted=counted)
        page = await mechanisms.find_public_ids(request, key.filter, sort=key.sort)
        # Most of them are cached: a publication adds one item to each of its lists.
        found = await self._find_mechanisms(page.items, fresh=True)
        items = [msgspec.Raw(one.body) for one in found if one]
        body = page_response(page, items, key.sort.order, key.filter.conditions)
        return encoded_response(msgspec.json.encode(body), link=next_link(key.path, key.query, body.next))

    async def _read_search(self, key: SearchKey) -> CachedResponse:
        search = self._application.search
        found = await search.find_hits(
            None,
            key.text,
            user_id=key.user_id,
            author=key.author,
            within=key.within,
            sort=key.sort,
            page=key.request.page,
            limit=key.request.limit,
            after=key.request.after,
        )
        page, items = found.page, await self._encoded_hits(found)
        if items is None:
            page = await search.read_page(None, found)
            items = found_hits(page, media_addresses(self._application))
        body = search_response(page, items, key.sort, key.conditions)
        return _found_response(page, body, link=next_link(key.path, key.query, body.next))

    async def _encoded_hits(self, found: FoundHits) -> list[SearchHitResponse] | None:
        """Returns the hits with what is cached of their mechanisms; None if one of them may not be shown, or has
        changed since the index found it."""
        if found.page.degraded or self._responses.entries_age:
            return None
        responses = await self._find_mechanisms([hit.mechanism_id for hit in found.hits], fresh=True)
        bodies = [one.body for one in responses if one]
        if len(bodies) < len(found.hits) or not all(map(is_as_found, bodies, found.hits)):
            return None
        return encoded_hits(bodies, found.hits)

    async def _read_suggestions(self, key: SuggestionsKey) -> CachedResponse:
        return await read_suggestions(self._application, None, key)

    async def _read_similar(self, key: SimilarKey) -> CachedResponse:
        found = await self._application.motions.find_similar(None, key.mechanism_id, key.limit)
        body = similar_response(found, media_addresses(self._application))
        return encoded_response(msgspec.json.encode(body))

    async def _read_categories(self) -> CachedResponse:
        counts = await self._application.categories.find_counts()
        return encoded_response(msgspec.json.encode(categories_response(counts)))

    async def _read_internal_counts(self) -> CachedResponse:
        return encoded_response(msgspec.json.encode(await self._application.categories.count_internal()))


def _with_counts(encoded: CachedResponse, counts: Counts) -> CachedResponse:
    body = with_stats(encoded.body, counts)
    return encoded._replace(etag=renewed_etag(encoded.etag, body), body=body)


async def read_categories(reads: PublicReads, application: Application, viewer: Actor) -> CategoriesResponse:
    """Returns the categories with the numbers of mechanisms that lists show `viewer`."""
    public = msgspec.json.decode((await reads.categories(viewer)).body, type=CategoriesResponse)
    # What no two readers share is counted for each request; the rest comes from the cache.
    private = await application.categories.count_private(viewer)
    return with_more(public, await reads.internal_counts(), private)


async def read_suggestions(application: Application, viewer: Viewer, key: SuggestionsKey) -> CachedResponse:
    """Returns the suggestions from what `viewer` may see, not from the cache."""
    search = application.search
    found = await search.suggest(viewer, key.text, key.limit)
    others = () if found.degraded else await search.suggest_others(viewer, key.text, _MAX_OF_KIND)
    body = suggestions_response(found, others, key.limit)
    return _found_response(found, body)


def _found_response(found: SearchPage | Suggestions, body: object, *, link: str = "") -> CachedResponse:
    """Returns `body`, which shows what was found, as a response.

    A degraded or incomplete result is outdated as soon as the index responds or has caught up, which invalidates no
    tag, so neither is cacheable; a degraded one is not even shared.
    """
    is_final = found.is_complete and not found.degraded
    return encoded_response(
        msgspec.json.encode(body), link=link, is_cacheable=is_final, is_shared=not found.degraded
    )


def public_reads_of(request: Request[Any, Any, Any]) -> PublicReads:
    """Returns the public reads of the application that handles `request`."""
    reads: PublicReads = request.app.state.public_reads
    return reads
