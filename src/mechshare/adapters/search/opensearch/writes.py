"""Writes to OpenSearch: many in one request, each of which may come late."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from opensearchpy.helpers import async_streaming_bulk

from mechshare.adapters.search.opensearch.client import DEPENDENCY, OpenSearchServer
from mechshare.adapters.search.opensearch.mapping import document_version, source_of, tombstone
from mechshare.domain.errors import DependencyUnavailable
from mechshare.domain.search import SearchDocument

_MAX_REQUEST_BYTES = 5_000_000
"""Bytes; a small server refuses requests of a tenth of its memory."""
_EXPECTED = frozenset({HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.CONFLICT, HTTPStatus.NOT_FOUND})


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """`version` as OpenSearch counts: nothing is written where a higher one is held already."""

    mechanism_id: str
    version: int
    source: dict[str, Any]


def document_writes(documents: Sequence[SearchDocument]) -> list[Write]:
    """What puts `documents`. Making their tokens takes time: not for the event loop."""
    return [
        Write(mechanism_id=each.mechanism_id, version=document_version(each.version), source=source_of(each))
        for each in documents
    ]


def tombstone_write(mechanism_id: str, version: int) -> Write:
    """What leaves a mark in place of a mechanism, for what is older to be refused."""
    return Write(mechanism_id=mechanism_id, version=version, source=tombstone(mechanism_id))


async def write(
    server: OpenSearchServer,
    writes: Sequence[tuple[str, Write]],
    *,
    seconds: float,
    wait_until_visible: bool = True,
) -> list[HTTPStatus]:
    """What became of each, written to the alias beside it, in this order.

    CONFLICT says that something newer is held, NOT_FOUND that there is no such alias; whatever else is no success
    raises Unavailable, when some of them may have been written. What was written is found when this returns, if
    `wait_until_visible`. `seconds` are for one request.
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
