"""A stream of documents, some at a time."""

from collections.abc import AsyncIterator

from mechshare.domain.search import SearchDocument


async def batches(documents: AsyncIterator[SearchDocument], size: int) -> AsyncIterator[list[SearchDocument]]:
    """All of `documents` in order, `size` at a time, the last ones fewer."""
    batch: list[SearchDocument] = []
    async for document in documents:
        batch.append(document)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
