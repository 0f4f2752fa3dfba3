"""One query serves all who watch their notifications, and an outage of the database changes nothing for them."""

from contextlib import AsyncExitStack

import pytest

from mechshare.domain.ids import UserId
from mechshare.domain.notifications import UnreadState
from mechshare.services import notification_feed
from mechshare.services.notification_feed import NotificationFeed
from mechshare.testing.bounds import bounded
from tests.services.test_processing_feed import CountedDatabase
from tests.services.world import World


async def test_one_read_serves_all_watchers_and_an_outage_keeps_the_last_state(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notification_feed, "POLL_INTERVAL", 0.01)
    database = CountedDatabase(world.database)
    feed = NotificationFeed(world.transactions(database))
    watchers = [UserId(f"user-{number}") for number in range(20)]
    async with bounded(), AsyncExitStack() as stack:
        for one in watchers:
            await stack.enter_async_context(feed.watching(one))
        await feed.wait()
        reads = database.reads
        await feed.wait()
        assert database.reads == reads + 1
        assert [feed.state(one) for one in watchers] == [UnreadState()] * 20
        database.is_away = True
        await feed.wait()
        assert feed.state(watchers[0]) == UnreadState()
        assert feed.state(UserId("nobody")) is None
