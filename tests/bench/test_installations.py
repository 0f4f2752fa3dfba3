"""What a reference leaves behind is not measured with whoever comes after it."""

import asyncio

import psycopg
import pytest
from bench.installations import DISTRIBUTED, Installation

from tests.servers import postgresql_database


async def test_what_was_begun_for_those_who_have_gone_is_ended():
    async with postgresql_database() as url, await psycopg.AsyncConnection.connect(url) as gone:
        installation = Installation(DISTRIBUTED, 0, {"MECHSHARE_DATABASE_URL": url}, "", is_searchable=False)
        begun = asyncio.create_task(gone.execute("SELECT pg_sleep(300)"))
        told = []
        while not begun.done():
            told.append(await asyncio.to_thread(installation.end_queries))

        assert any(told)
        with pytest.raises(psycopg.errors.QueryCanceled):
            await begun

        assert not await asyncio.to_thread(installation.end_queries)
