"""A rebuild: another index is filled beside the one that is searched, and takes its place at one moment."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from http import HTTPStatus

from mechshare.adapters.search.opensearch.aliases import Indices, own_alias
from mechshare.adapters.search.opensearch.client import DEPENDENCY, OpenSearchServer
from mechshare.adapters.search.opensearch.queries import tombstones_body
from mechshare.adapters.search.opensearch.writes import Write, document_writes, tombstone_write, write
from mechshare.adapters.search.text.batches import batches
from mechshare.domain.errors import DependencyUnavailable, Unavailable
from mechshare.domain.search import SearchDocument

_BATCH = 200
"""Documents whose tokens are made at a time, and marks of removed ones that are carried over at a time."""
_SECONDS = 60.0
"""For one request; nobody waits for it but the operator."""
_SHUTDOWN_GRACE = 1.0
"""Seconds that the former index is kept: searches that found it by its alias have read it by then, or are given up."""


async def rebuild(
    server: OpenSearchServer, indices: Indices, documents: AsyncIterator[SearchDocument]
) -> int:
    """How many `documents` there were; searches find them when this returns.

    When the source or the server fails before the exchange, everything is as it was. Raises Unavailable, also when
    another rebuild begins meanwhile.
    """
    name = await indices.make_next()
    try:
        count = 0
        async for batch in batches(documents, _BATCH):
            await _fill(server, name, await asyncio.to_thread(document_writes, batch))
            count += len(batch)
        await _carry_tombstones_over(server, indices.current, name)
    except BaseException:
        # What cannot be dropped now, the next rebuild drops.
        with suppress(Unavailable):
            await indices.drop(name)
        raise
    # Whoever gets no answer here does not know which of the two is searched, and had better drop neither.
    if former := await indices.replace_current(name):
        await asyncio.sleep(_SHUTDOWN_GRACE)
        for each in former:
            await indices.drop(each)
    return count


async def _fill(server: OpenSearchServer, name: str, writes: Sequence[Write]) -> None:
    there = own_alias(name)
    statuses = await write(
        server, [(there, each) for each in writes], seconds=_SECONDS, wait_until_visible=False
    )
    if HTTPStatus.NOT_FOUND in statuses:
        raise DependencyUnavailable(dependency=DEPENDENCY)


async def _carry_tombstones_over(server: OpenSearchServer, former: str, name: str) -> None:
    """Carries over which mechanisms were removed, but for those that the rebuild has brought back."""
    after: dict[str, object] = {}
    while True:
        response = await server.search(former, {**tombstones_body(_BATCH), **after}, seconds=_SECONDS)
        tombstones = {hit["_id"]: hit for hit in response["hits"]["hits"]} if response else {}
        if not tombstones:
            return
        async with server.client() as client:
            known = await client.mget(
                index=name, body={"ids": list(tombstones)}, _source=False, request_timeout=_SECONDS
            )
        absent = [each["_id"] for each in known["docs"] if not each.get("found")]
        await _fill(server, name, [tombstone_write(id, tombstones[id]["_version"]) for id in absent])
        after = {"search_after": response["hits"]["hits"][-1]["sort"]}
