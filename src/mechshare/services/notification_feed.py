"""Follows the unread notifications of users for all watchers of a process with one shared poll."""

import asyncio
from collections.abc import Mapping, Sequence

from mechshare.domain.ids import UserId
from mechshare.domain.notifications import UnreadState
from mechshare.domain.users import Actor
from mechshare.services.notifications import count_shown
from mechshare.services.support.shared_poll import SharedPoll
from mechshare.services.transactions import Transactions

POLL_INTERVAL = 2.0
"""Seconds between two polls of the database while somebody watches."""
_BATCH_SIZE = 500
_COUNT_CONCURRENCY = 4


class NotificationFeed:
    """Tells watchers whether their unread notifications have changed, so that only theirs are counted again."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions
        self._poll = SharedPoll[UserId, UnreadState](self._find_states, _pause)
        self.watching = self._poll.watching
        self.wait = self._poll.wait
        self._counting = asyncio.Semaphore(_COUNT_CONCURRENCY)

    def state(self, user_id: UserId) -> UnreadState | None:
        """Returns what the last poll found; None if it did not include the user."""
        return self._poll.values.get(user_id)

    async def count(self, actor: Actor) -> int:
        """Returns what `NotificationService.count_unread` returns. Few are counted at a time: thousands of watchers may
        arrive at once. Raises Unavailable."""
        async with self._counting, self._transactions.read() as tx:
            return await count_shown(tx, actor)

    async def _find_states(self, user_ids: Sequence[UserId]) -> Mapping[UserId, UnreadState]:
        found = dict.fromkeys(user_ids, UnreadState())
        async with self._transactions.read() as tx:
            for start in range(0, len(user_ids), _BATCH_SIZE):
                found |= await tx.unread_notifications.find_states(user_ids[start : start + _BATCH_SIZE])
        return found


async def _pause() -> None:
    await asyncio.sleep(POLL_INTERVAL)
