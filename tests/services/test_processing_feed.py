"""Every watcher sees each change; a process reads once for all, and waits while the database is unavailable."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from mechshare.domain.errors import DependencyUnavailable, MechanismNotFound
from mechshare.domain.processing import ProcessingState
from mechshare.services import processing_feed
from mechshare.services.processing_feed import ProcessingFeed
from tests.services.world import World


class CountedDatabase:
    """A database that counts reads, and refuses them while `is_away`."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.reads = 0
        self.is_away = False
        self.now = inner.now

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Any]:
        self.reads += 1
        if self.is_away:
            raise DependencyUnavailable(dependency="database")
        async with self._inner.read() as tx:
            yield tx


@pytest.fixture
def database(world: World) -> CountedDatabase:
    return CountedDatabase(world.database)


@pytest.fixture
def feed(world: World, database: CountedDatabase, monkeypatch: pytest.MonkeyPatch) -> ProcessingFeed:
    monkeypatch.setattr(processing_feed, "POLL_INTERVAL", 0.01)
    return ProcessingFeed(world.transactions(database), world.adapters.doorbell, None)


async def test_one_read_serves_all_watchers(
    world: World, feed: ProcessingFeed, database: CountedDatabase
) -> None:
    mika = await world.join("mika")
    made = [await world.create(mika, title=f"gear {number}") for number in range(3)]
    async with AsyncExitStack() as stack:
        for mechanism in made * 20:
            await stack.enter_async_context(feed.watching(mechanism.id))
        await feed.wait()
        reads = database.reads
        await feed.wait()
        assert database.reads == reads + 1
        first = [await feed.status(mika, mechanism.id) for mechanism in made]
        assert [status and status.processing.state for status in first] == [ProcessingState.PENDING] * 3
        await feed.wait()
        assert await feed.status(mika, made[0].id) is first[0]
        await world.work()
        await feed.wait()
        await feed.wait()
        status = await feed.status(mika, made[0].id)
        assert status is not None
        assert status.processing.state is ProcessingState.READY
        assert len(status.history) == 1


async def test_watchers_wait_while_the_database_is_unavailable(
    world: World, feed: ProcessingFeed, database: CountedDatabase
) -> None:
    mika = await world.join("mika")
    made = await world.create(mika)
    async with feed.watching(made.id):
        await feed.wait()
        seen = await feed.status(mika, made.id)
        database.is_away = True
        await feed.wait()
        await feed.wait()
        assert await feed.status(mika, made.id) is seen
        database.is_away = False
        await world.work()
        await feed.wait()
        await feed.wait()
        status = await feed.status(mika, made.id)
        assert status is not None
        assert status.processing.state is ProcessingState.READY


async def test_deleted_and_hidden_mechanisms_are_not_shown(world: World, feed: ProcessingFeed) -> None:
    mika, yuki = await world.join("mika"), await world.join("yuki")
    draft = await world.create(mika)
    async with feed.watching(draft.id):
        await feed.wait()
        with pytest.raises(MechanismNotFound):
            await feed.status(yuki, draft.id)
        async with world.database.begin() as tx:
            stored = await tx.mechanisms.find_by_id(draft.id)
            assert stored is not None
            await tx.mechanisms.delete(draft.id, stored.version)
        await feed.wait()
        await feed.wait()
        with pytest.raises(MechanismNotFound):
            await feed.status(mika, draft.id)


async def test_nothing_is_read_without_watchers(
    world: World, feed: ProcessingFeed, database: CountedDatabase
) -> None:
    made = await world.create(await world.join("mika"))
    async with feed.watching(made.id):
        await feed.wait()
    async with feed.watching(made.id):
        await feed.wait()
        last = database.reads
    await world.work()
    assert database.reads <= last + 1
