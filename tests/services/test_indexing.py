"""Indexing jobs that run while others change what they index."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mechshare.adapters.cache.memory import MemoryCache
from mechshare.adapters.clock.frozen import FrozenClock
from mechshare.adapters.doorbell.memory import MemoryDoorbell
from mechshare.adapters.ids.uuid7 import Uuid7IdSource
from mechshare.adapters.search.memory import MemorySearchIndex
from mechshare.domain.ids import CategoryId, JobId
from mechshare.domain.jobs import Job, JobKind, new_job
from mechshare.domain.search import SearchQuery
from mechshare.services.indexing import IndexMechanism
from mechshare.services.transactions import Transactions
from mechshare.testing.persistence.values import (
    NOW,
    a_mechanism,
    new_id,
    save_categories,
    save_mechanisms,
    save_user,
)
from tests.contracts.harness import adapters_of

GEARS = CategoryId("gears")


@pytest.fixture(params=adapters_of("persistence"))
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    async with request.param(tmp_path) as opened:
        yield opened


async def test_a_mechanism_added_to_a_category_during_its_rename_has_the_new_name(
    database: Any,
) -> None:
    """The rename does not see the new mechanism yet, so it enqueues no indexing of it."""
    await save_categories(database, GEARS)
    (made,) = await save_mechanisms(database, a_mechanism(await save_user(database), categories=(GEARS,)))
    index = MemorySearchIndex()
    job = new_job(JobId(new_id()), JobKind.INDEX_MECHANISM, made.id, now=NOW)

    async with database.begin() as tx:
        category = await tx.categories.find_by_id(GEARS)
        await tx.categories.save(replace(category, name_en="Toothed wheels"))
        indexing = asyncio.create_task(_index(database, index, job))
        await asyncio.sleep(0.1)  # time for a database without locks to read the old name
    await indexing

    found = await index.search(SearchQuery(text="toothed", published_only=False))
    assert [hit.mechanism_id for hit in found.hits] == [made.id]


async def _index(database: Any, index: MemorySearchIndex, job: Job) -> None:
    async def nobody(step: str, share: float) -> None:
        return

    ids = Uuid7IdSource()
    transactions = Transactions(database, MemoryCache(), MemoryDoorbell(), FrozenClock(), ids)
    await IndexMechanism(transactions, index).run(job, nobody)
