"""Batches of a stream of documents."""

from collections.abc import AsyncIterator

from mechshare.domain.search import SearchDocument


async def batches(documents: AsyncIterator[SearchDocument], size: int) -> AsyncIterator[list[SearchDocument]]:
    """Yields `documents` in order, in lists of `size`; the last one may be shorter."""
    batch: list[SearchDocument] = []
    async for document in documents:
        batch.append(document)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
