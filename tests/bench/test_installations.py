"""Queries that one candidate leaves behind do not slow the next one."""

import asyncio

import psycopg
import pytest
from bench.installations import DISTRIBUTED, Installation

from tests.servers import postgresql_database


async def test_queries_of_disconnected_clients_are_ended():
    async with postgresql_database() as url, await psycopg.AsyncConnection.connect(url) as gone:
        installation = Installation(DISTRIBUTED, 0, {"MECHSHARE_DATABASE_URL": url}, "", is_searchable=False)
        begun = asyncio.create_task(gone.execute("SELECT pg_sleep(300)"))
        ended = []
        while not begun.done():
            ended.append(await asyncio.to_thread(installation.end_queries))

        assert any(ended)
        with pytest.raises(psycopg.errors.QueryCanceled):
            await begun

        assert not await asyncio.to_thread(installation.end_queries)
