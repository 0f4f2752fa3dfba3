"""The counts of comments on every database: whatever people do at the same time, none is lost or counted twice."""

import asyncio
from dataclasses import dataclass, field

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from mechshare.adapters.cache.memory import MemoryCache
from mechshare.adapters.clock.system import SystemClock
from mechshare.adapters.doorbell.memory import MemoryDoorbell
from mechshare.adapters.ids.uuid7 import Uuid7IdSource
from mechshare.domain.audit import NO_REQUEST
from mechshare.domain.comments import CommentDeleted, CommentId, CommentNotFound, CommentSort
from mechshare.domain.ids import MechanismId
from mechshare.domain.pagination import PageRequest
from mechshare.domain.users import Actor, Role
from mechshare.ports.persistence.database import Database
from mechshare.services.comments import CommentService
from mechshare.services.transactions import Transactions
from mechshare.testing.bounds import bounded
from mechshare.testing.persistence.values import a_mechanism, save_mechanisms, save_user

PEOPLE = 2
STEPS = st.tuples(
    st.sampled_from(("write", "reply", "delete")), st.integers(0, PEOPLE - 1), st.integers(0, 9)
)
ROUNDS = st.lists(st.lists(STEPS, min_size=2, max_size=5), min_size=1, max_size=3)


@dataclass
class Model:
    """What is there according to what succeeded: by comment, its author and the thread that it replies to."""

    service: CommentService
    mechanism_id: MechanismId
    people: list[Actor]
    there: dict[CommentId, tuple[int, CommentId | None]] = field(default_factory=dict)

    async def carry_out(self, step: tuple[str, int, int]) -> None:
        what, person, choice = step
        threads = [id for id, (_, thread) in self.there.items() if thread is None]
        own = [id for id, (author, _) in self.there.items() if author == person]
        if what == "write":
            await self._write(person, None)
        elif what == "reply" and threads:
            await self._write(person, threads[choice % len(threads)])
        elif what == "delete" and own:
            await self._delete(person, own[choice % len(own)])

    async def _write(self, person: int, thread: CommentId | None) -> None:
        try:
            added = await self.service.add(self.people[person], self.mechanism_id, "play", thread_id=thread)
        except (CommentNotFound, CommentDeleted):
            return  # deleted meanwhile
        self.there[added.comment.id] = person, thread

    async def _delete(self, person: int, id: CommentId) -> None:
        try:
            await self.service.delete(self.people[person], self.mechanism_id, id, NO_REQUEST)
        except CommentNotFound:
            return  # deleted meanwhile
        del self.there[id]

    def threads(self) -> dict[CommentId, int]:
        """Returns the number of replies of each thread that is shown: as a comment, or as a tombstone."""
        replies = [thread for _, thread in self.there.values() if thread is not None]
        shown = {id for id, (_, thread) in self.there.items() if thread is None} | set(replies)
        return {id: replies.count(id) for id in shown}


@settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(rounds=ROUNDS)
async def test_counts_are_what_succeeded_whatever_happens_at_the_same_time(
    database: Database, rounds: list[list[tuple[str, int, int]]]
) -> None:
    users = [await save_user(database) for _ in range(PEOPLE)]
    (mechanism,) = await save_mechanisms(database, a_mechanism(users[0]))
    ids, clock = Uuid7IdSource(), SystemClock()
    transactions = Transactions(database, MemoryCache(), MemoryDoorbell(), clock, ids)
    people = [Actor(id=user.id, role=Role.USER) for user in users]
    model = Model(CommentService(transactions, clock, ids), mechanism.id, people)
    async with bounded():
        for steps in rounds:
            await asyncio.gather(*map(model.carry_out, steps))
    found = await model.service.find_threads(None, mechanism.id, CommentSort.NEWEST, PageRequest(limit=100))
    shown = {thread.first.comment.id: thread.reply_count for thread in found.threads.items}
    assert (found.count, shown) == (len(model.there), model.threads())
