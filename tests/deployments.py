"""The deployments that the journeys go through: all embedded, all distributed, and mixtures of both."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from tests.servers import address, new_container, opensearch_alias, postgresql_database, redis_url

PARTS = ("database", "blobs", "search", "jobs", "cache")
"""Parts of a deployment. The server of the cache also counts rate limits."""
DEPLOYMENTS: Mapping[str, frozenset[str]] = {
    "embedded": frozenset(),
    "distributed": frozenset(PARTS),
    "postgresql-azure": frozenset({"database", "blobs"}),
    "postgresql-opensearch-arq": frozenset({"database", "search", "jobs"}),
    "azure-opensearch-redis": frozenset({"blobs", "search", "cache"}),
    "arq-redis": frozenset({"jobs", "cache"}),
}
"""The parts of each deployment that have their own server. Any two parts occur in all four combinations."""


@asynccontextmanager
async def deployed(name: str, data: Path) -> AsyncIterator[dict[str, str]]:
    """Yields the environment of a new installation that runs its own jobs. Skips the test if a server is missing."""
    environ = {
        "MECHSHARE_DATA": str(data),
        "MECHSHARE_REQUESTS_PER_MINUTE": "0",
        "MECHSHARE_UNFINISHED_CLIPS_PER_USER": "0",
        "MECHSHARE_USER_QUOTA_BYTES": "0",
        "MECHSHARE_DISK_RESERVE": "0",
        "MECHSHARE_JOB_SLOTS": "1",
    }
    parts = DEPLOYMENTS[name]
    async with AsyncExitStack() as stack:
        if "database" in parts:
            environ["MECHSHARE_DATABASE_URL"] = await stack.enter_async_context(postgresql_database())
        if "blobs" in parts:
            environ["MECHSHARE_BLOBS_URL"] = f"azure:///{new_container()}"
            environ["MECHSHARE_BLOBS_CONNECTION_STRING"] = address("AZURE_CONNECTION_STRING")
        if "search" in parts:
            environ["MECHSHARE_SEARCH_URL"] = await stack.enter_async_context(opensearch_alias())
        if "jobs" in parts:
            environ["MECHSHARE_JOBS_URL"] = redis_url()
        if "cache" in parts:
            environ["MECHSHARE_CACHE_URL"] = environ["MECHSHARE_LIMITS_URL"] = redis_url()
        yield environ
