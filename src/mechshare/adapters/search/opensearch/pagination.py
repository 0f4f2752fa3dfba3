"""Pages of search results, at any depth."""

from typing import Any, Protocol

from mechshare.adapters.search.opensearch.mapping import WINDOW


class Search(Protocol):
    async def __call__(self, body: dict[str, Any], /) -> Any: ...


async def page(search: Search, body: dict[str, Any], offset: int, limit: int) -> tuple[Any, list[Any]]:
    """Returns the response that holds the totals, and the hits from `offset` on, or after the place in `body`: at most
    `limit` and WINDOW of them."""
    start, size = max(offset, 0), min(max(limit, 0), WINDOW)
    if "search_after" in body:
        response = await search({**body, "size": size})
        return response, response["hits"]["hits"]
    if start + size <= WINDOW:
        response = await search({**body, "from": start, "size": size})
        return response, response["hits"]["hits"]
    reached = min(start, WINDOW)
    response = await search({**body, "from": reached - 1, "size": 1, "_source": False})
    if start >= response["hits"]["total"]["value"]:
        return response, []
    return response, await _beyond(search, body, response["hits"]["hits"], start - reached, size)


async def _beyond(
    search: Search, body: dict[str, Any], hits: list[Any], distance: int, size: int
) -> list[Any]:
    """Returns up to `size` hits that follow the last of `hits`, after skipping `distance`."""
    plain = {**body, "aggs": {}, "track_total_hits": False}
    while hits and distance:
        step = min(distance, WINDOW)
        response = await search({**plain, "search_after": hits[-1]["sort"], "size": step, "_source": False})
        hits = response["hits"]["hits"] if len(response["hits"]["hits"]) == step else []
        distance -= step
    if not hits:
        return []
    response = await search({**plain, "search_after": hits[-1]["sort"], "size": size})
    last: list[Any] = response["hits"]["hits"]
    return last
