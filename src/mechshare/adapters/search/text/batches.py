"""Batches of a stream of documents."""

from collections.abc import AsyncIterator

from mechshare.domain.search_documents import SearchDocument

_MAX_CHARACTERS = 1_000_000
"""Of the pages of all documents in a batch, except the last one: their tokens take ten times as many bytes."""


async def batches(documents: AsyncIterator[SearchDocument], size: int) -> AsyncIterator[list[SearchDocument]]:
    """Yields `documents` in order, in lists of `size` or, if they have much text, fewer."""
    batch: list[SearchDocument] = []
    characters = 0
    async for document in documents:
        batch.append(document)
        characters += sum(map(len, document.pages))
        if len(batch) == size or characters >= _MAX_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch
