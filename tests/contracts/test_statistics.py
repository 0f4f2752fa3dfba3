"""Counts over every database agree with a model, whoever likes, views and counts at the same time."""

import asyncio
from random import Random
from typing import Any

import pytest

from mechshare.adapters.cache.memory import MemoryCache
from mechshare.adapters.clock.frozen import FrozenClock
from mechshare.adapters.doorbell.memory import MemoryDoorbell
from mechshare.adapters.ids.uuid7 import Uuid7IdSource
from mechshare.adapters.recent_views.table import TableOfRecentViews
from mechshare.domain.errors import Unavailable
from mechshare.domain.ids import MechanismId, UserId
from mechshare.domain.marks import MarkKind
from mechshare.domain.statistics import COUNTED_ONCE_IN, VisitKind
from mechshare.domain.users import Actor, Role
from mechshare.ports.persistence.database import Database
from mechshare.services.marks import MarkService
from mechshare.services.statistics import StatisticsService
from mechshare.services.support.visits import Visitor
from mechshare.services.transactions import Transactions
from mechshare.testing.bounds import bounded
from mechshare.testing.persistence.values import a_mechanism, save_mechanisms, save_user


async def persistent(action: Any) -> None:
    """Tries again like a client where the database is busy."""
    while True:
        try:
            return await action()
        except Unavailable:
            await asyncio.sleep(0.05)


class Community:
    """Users, mechanisms of the first of them, and two processes over one database."""

    def __init__(self, database: Database, users: list[UserId], mechanisms: list[MechanismId]) -> None:
        self.clock, recent = FrozenClock(), TableOfRecentViews(None)
        transactions = Transactions(database, MemoryCache(), MemoryDoorbell(), self.clock, Uuid7IdSource())
        self.processes = [StatisticsService(transactions, recent, self.clock) for _ in range(2)]
        self.marks = MarkService(transactions, self.clock)
        self.users, self.mechanisms = users, mechanisms
        self.likes: set[tuple[UserId, MechanismId]] = set()
        self.seen: set[tuple[str, MechanismId]] = set()
        self.views = dict.fromkeys(mechanisms, 0)

    async def act(self, user: UserId, random: Random) -> None:
        """Does some things that the user does one after the other. The model knows each before it is done."""
        for _ in range(4):
            mechanism, process = random.choice(self.mechanisms), random.choice(self.processes)
            match random.randrange(3):
                case 0:
                    self.view(process, random.choice((user, None)), mechanism)
                case 1:
                    await persistent(process.refresh)
                case _:
                    await self.toggle_like(user, mechanism)

    async def toggle_like(self, user: UserId, mechanism: MechanismId) -> None:
        actor, pair = Actor(id=user, role=Role.USER), (user, mechanism)
        change = self.marks.remove if pair in self.likes else self.marks.add
        self.likes ^= {pair}
        await persistent(lambda: change(actor, mechanism, MarkKind.LIKE))

    def view(self, process: StatisticsService, user: UserId | None, mechanism: MechanismId) -> None:
        visitor = Visitor(user, "192.0.2.1", "a browser")
        if (visitor.name, mechanism) not in self.seen:
            self.seen.add((visitor.name, mechanism))
            self.views[mechanism] += 1
        process.note(VisitKind.VIEW, mechanism, visitor)

    async def counted(self, database: Database) -> dict[MechanismId, tuple[int, int]]:
        for process in self.processes:
            await persistent(process.refresh)
        async with database.read() as tx:
            found = [(await tx.mechanisms.find_by_id(id)) for id in self.mechanisms]
        return {one.id: (one.counts.likes, one.counts.views) for one in found if one}

    @property
    def expected(self) -> dict[MechanismId, tuple[int, int]]:
        return {id: (sum(one == id for _, one in self.likes), self.views[id]) for id in self.mechanisms}


@pytest.mark.parametrize("seed", range(2))
async def test_counts_agree_with_a_model_while_two_processes_count(database: Any, seed: int) -> None:
    random = Random(seed)
    users = [await save_user(database) for _ in range(3)]
    made = await save_mechanisms(database, *(a_mechanism(users[0], is_published=True) for _ in range(3)))
    community = Community(database, [user.id for user in users], [one.id for one in made])
    for _ in range(3):
        async with bounded():
            await asyncio.gather(*(community.act(user, random) for user in community.users))
        assert await community.counted(database) == community.expected
        community.clock.advance(COUNTED_ONCE_IN)
        community.seen.clear()
