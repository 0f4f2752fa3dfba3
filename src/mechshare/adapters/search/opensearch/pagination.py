"""Pages of what was found, at any depth."""

from typing import Any, Protocol

from mechshare.adapters.search.opensearch.mapping import WINDOW


class Ask(Protocol):
    async def __call__(self, body: dict[str, Any], /) -> Any: ...


async def page(ask: Ask, body: dict[str, Any], offset: int, limit: int) -> tuple[Any, list[Any]]:
    """The answer that holds the totals, and the hits from `offset` on: `limit` of them, WINDOW at most."""
    start, size = max(offset, 0), min(max(limit, 0), WINDOW)
    if start + size <= WINDOW:
        answer = await ask({**body, "from": start, "size": size})
        return answer, answer["hits"]["hits"]
    reached = min(start, WINDOW)
    answer = await ask({**body, "from": reached - 1, "size": 1, "_source": False})
    if start >= answer["hits"]["total"]["value"]:
        return answer, []
    return answer, await _beyond(ask, body, answer["hits"]["hits"], start - reached, size)


async def _beyond(ask: Ask, body: dict[str, Any], hits: list[Any], distance: int, size: int) -> list[Any]:
    """The hits that follow `distance` after the last of `hits`."""
    plain = {**body, "aggs": {}, "track_total_hits": False}
    while hits and distance:
        step = min(distance, WINDOW)
        answer = await ask({**plain, "search_after": hits[-1]["sort"], "size": step, "_source": False})
        hits = answer["hits"]["hits"] if len(answer["hits"]["hits"]) == step else []
        distance -= step
    if not hits:
        return []
    answer = await ask({**plain, "search_after": hits[-1]["sort"], "size": size})
    found: list[Any] = answer["hits"]["hits"]
    return found
