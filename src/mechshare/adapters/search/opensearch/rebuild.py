"""The rebuild: fills another index beside the searched one, then replaces it atomically."""

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
from mechshare.domain.search_documents import SearchDocument

_BATCH = 200
"""Documents tokenized at a time, and tombstones copied at a time."""
_SECONDS = 60.0
"""Timeout of one request; only the operator waits for it."""
_SHUTDOWN_GRACE = 1.0
"""Seconds before the previous index is deleted: searches that resolved the alias to it have ended by then."""


async def rebuild(
    server: OpenSearchServer, indices: Indices, documents: AsyncIterator[SearchDocument]
) -> int:
    """Indexes `documents` and returns their number; searches find them when this returns.

    If the source or the server fails before the replacement, nothing changes. Raises Unavailable, also if another
    rebuild starts meanwhile.
    """
    name = await indices.make_next()
    try:
        count = 0
        async for batch in batches(documents, _BATCH):
            await _fill(server, name, await asyncio.to_thread(document_writes, batch))
            count += len(batch)
        await _carry_tombstones_over(server, indices.current, name)
    except BaseException:
        # If this fails, the next rebuild deletes the index.
        with suppress(Unavailable):
            await indices.drop(name)
        raise
    # Outside the try block: without a response, either of the two may be the searched one, so delete neither.
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
    """Copies the tombstones of the index `former`, except for mechanisms that the rebuild has added."""
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
