"""The deployments that the journeys go through: all embedded, all distributed, and mixtures of both."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

from mechshare.adapters.passwords.fast import FastPasswordHasher
from mechshare.adapters.persistence.sql.database import SqlDatabase
from mechshare.bootstrap.adapters import Adapters, choose_adapters, choose_uploads
from mechshare.settings import Settings
from mechshare.urls import scheme_of, server_url
from tests.servers import (
    SERVER_TIMEOUT,
    address,
    new_container,
    opensearch_alias,
    postgresql_database,
    redis_url,
)

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


def deployed_adapters(chosen: Settings) -> Adapters:
    """Returns the adapters of a deployment, with instant hashing of passwords, and with SERVER_TIMEOUT for servers."""
    adapters = choose_adapters(chosen, passwords=FastPasswordHasher())
    if scheme_of(chosen.database_url) == "postgresql":
        adapters = replace(adapters, database=SqlDatabase(chosen.database_url, timeout=SERVER_TIMEOUT))
    if scheme_of(chosen.blobs_url) == "azure":
        from mechshare.adapters.blobs.azure import AzureBlobStore

        blobs = AzureBlobStore(
            chosen.blobs_url,
            address("AZURE_CONNECTION_STRING"),
            connect_timeout=SERVER_TIMEOUT,
            read_timeout=SERVER_TIMEOUT,
        )
        adapters = replace(adapters, blobs=blobs, uploads=choose_uploads(chosen, blobs))
    if scheme_of(chosen.search_url) == "opensearch":
        from mechshare.adapters.search.opensearch.index import OpenSearchIndex

        index = OpenSearchIndex(server_url(chosen.search_url), search_seconds=SERVER_TIMEOUT)
        adapters = replace(adapters, index=index)
    return adapters
