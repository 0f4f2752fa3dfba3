"""Bulk writes to OpenSearch. Each may arrive after newer ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from opensearchpy.helpers import async_streaming_bulk

from mechshare.adapters.search.opensearch.client import DEPENDENCY, OpenSearchServer
from mechshare.adapters.search.opensearch.mapping import document_version, source_of, tombstone
from mechshare.domain.errors import DependencyUnavailable
from mechshare.domain.search_documents import SearchDocument

_MAX_REQUEST_BYTES = 5_000_000
"""A server rejects requests of a tenth of its memory; this suits small ones."""
_EXPECTED = frozenset({HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.CONFLICT, HTTPStatus.NOT_FOUND})


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """`version` is the external version: OpenSearch rejects the write if it holds a higher one."""

    mechanism_id: str
    version: int
    source: dict[str, Any]


def document_writes(documents: Sequence[SearchDocument]) -> list[Write]:
    """Returns the writes that put `documents`. Tokenizing is slow: don't call on the event loop."""
    return [
        Write(mechanism_id=each.mechanism_id, version=document_version(each.version), source=source_of(each))
        for each in documents
    ]


def tombstone_write(mechanism_id: str, version: int) -> Write:
    """Returns the write that replaces a mechanism by a tombstone, so that older versions are rejected."""
    return Write(mechanism_id=mechanism_id, version=version, source=tombstone(mechanism_id))


async def write(
    server: OpenSearchServer,
    writes: Sequence[tuple[str, Write]],
    *,
    seconds: float,
    wait_until_visible: bool = True,
) -> list[HTTPStatus]:
    """Sends each write to its alias and returns their statuses, in the same order.

    CONFLICT means that the index holds a newer version, NOT_FOUND that there is no such alias. Raises Unavailable for
    any other failure; some of the writes may then have been applied. With `wait_until_visible`, searches find the
    writes when this returns. `seconds` is the timeout of one request.
    """
    async with server.client() as client:
        results = async_streaming_bulk(
            client,
            writes,
            expand_action_callback=_lines,
            max_chunk_bytes=_MAX_REQUEST_BYTES,
            raise_on_error=False,
            require_alias=True,
            refresh="wait_for" if wait_until_visible else "false",
            request_timeout=seconds,
        )
        statuses = [HTTPStatus(result["index"]["status"]) async for _, result in results]
        if not _EXPECTED.issuperset(statuses):
            raise DependencyUnavailable(dependency=DEPENDENCY)
    return statuses


def _lines(write: tuple[str, Write]) -> tuple[dict[str, Any], dict[str, Any]]:
    alias, what = write
    place = {"_index": alias, "_id": what.mechanism_id}
    return {"index": {**place, "version": what.version, "version_type": "external_gte"}}, what.source
