"""Lineage over every database: no cycle, whoever adds edges at the same time, and hidden mechanisms look absent."""

import asyncio
from graphlib import TopologicalSorter
from random import Random
from typing import Any

import pytest

from mechshare.adapters.cache.memory import MemoryCache
from mechshare.adapters.clock.frozen import FrozenClock
from mechshare.adapters.doorbell.memory import MemoryDoorbell
from mechshare.adapters.ids.uuid7 import Uuid7IdSource
from mechshare.domain.errors import MechanismNotFound, UnauthorizedOperation, Unavailable
from mechshare.domain.ids import MechanismId
from mechshare.domain.lineage import LineageCycle, LineageExists, LineageKind, LineageNotFound
from mechshare.domain.mechanisms import Mechanism
from mechshare.domain.users import Actor, Role, User
from mechshare.ports.persistence.database import Database
from mechshare.services.lineage import LineageService
from mechshare.services.transactions import Transactions
from mechshare.testing.bounds import bounded
from mechshare.testing.persistence.values import a_mechanism, save_mechanisms, save_user

DERIVED, PART = LineageKind.DERIVED_FROM, LineageKind.PART_OF
Edges = set[tuple[MechanismId, MechanismId, LineageKind]]


class Family:
    """A user, some of their mechanisms, and the service over one database."""

    def __init__(self, database: Database, user: User, mechanisms: list[Mechanism]) -> None:
        clock = FrozenClock()
        transactions = Transactions(database, MemoryCache(), MemoryDoorbell(), clock, Uuid7IdSource())
        self.service = LineageService(transactions, clock)
        self.actor = Actor(id=user.id, role=Role.USER)
        self.ids = [one.id for one in mechanisms]

    async def add(self, one: int, source: int, kind: LineageKind = DERIVED) -> str:
        """Returns the code of the refusal, or nothing. Tries again like a client where the database is busy."""
        while True:
            try:
                await self.service.add_source(self.actor, self.ids[one], self.ids[source], kind)
            except (LineageCycle, LineageExists) as refusal:
                return refusal.code
            except Unavailable:
                await asyncio.sleep(0.05)
            else:
                return ""

    async def stored(self) -> Edges:
        lineages = [await self.service.find_lineage(self.actor, id, 1) for id in self.ids]
        return {(edge.mechanism_id, edge.source_id, edge.kind) for each in lineages for edge in each.edges}


async def a_family(database: Database, hidden: tuple[int, ...] = (), count: int = 6) -> Family:
    user = await save_user(database)
    made = [a_mechanism(user, is_published=number not in hidden) for number in range(count)]
    return Family(database, user, await save_mechanisms(database, *made))


def is_acyclic(edges: Edges) -> bool:
    graph: dict[str, set[str]] = {}
    for one, source, _ in edges:
        graph.setdefault(one, set()).add(source)
    return len(list(TopologicalSorter(graph).static_order())) >= len(graph)


def reaches(edges: Edges, start: MechanismId, end: MechanismId) -> bool:
    return start == end or any(reaches(edges, source, end) for one, source, _ in edges if one == start)


async def test_edges_agree_with_a_model(database: Any) -> None:
    family, random = await a_family(database, count=5), Random(7)
    model: Edges = set()
    for _ in range(40):
        one, source, kind = random.randrange(5), random.randrange(5), random.choice((DERIVED, PART))
        edge = (family.ids[one], family.ids[source], kind)
        if random.random() < 0.3:
            try:
                await family.service.remove_source(family.actor, *edge)
                model.remove(edge)
            except LineageNotFound:
                assert edge not in model
            continue
        is_cycle = reaches(model, family.ids[source], family.ids[one])
        expected = LineageCycle.code if is_cycle else LineageExists.code if edge in model else ""
        assert await family.add(one, source, kind) == expected
        model.add(edge) if not expected else None
    assert await family.stored() == model


async def test_concurrent_edges_close_no_cycle_and_none_is_lost(database: Any) -> None:
    family = await a_family(database)
    pairs = [(one, source) for one in range(6) for source in range(6) if one != source]
    wanted = [(one, source, kind) for one, source in pairs for kind in (DERIVED, PART)] + [
        (0, 1, DERIVED)
    ] * 40
    Random(3).shuffle(wanted)
    async with bounded():
        codes = await asyncio.gather(*(family.add(*edge) for edge in wanted))
    accepted = {
        (family.ids[one], family.ids[source], kind)
        for (one, source, kind), code in zip(wanted, codes, strict=True)
        if not code
    }
    assert await family.stored() == accepted
    assert is_acyclic(accepted)
    assert len(accepted) == len(pairs)  # of two opposite edges, one is accepted, of both kinds


async def test_hidden_mechanisms_look_absent_with_all_behind_them(database: Any) -> None:
    # 0 <- 1 <- 2 (hidden) <- 3, and 3 builds on 4 directly
    family = await a_family(database, hidden=(2,))
    for one, source in ((1, 0), (2, 1), (3, 2), (3, 4), (5, 3)):
        assert await family.add(one, source) == ""
    owner = await family.service.find_lineage(family.actor, family.ids[3], 5)
    assert [step.item.mechanism.id for step in owner.sources] == [family.ids[n] for n in (2, 4, 1, 0)]
    assert [step.distance for step in owner.sources] == [1, 1, 2, 3]
    everybody = await family.service.find_lineage(None, family.ids[3], 5)
    assert [step.item.mechanism.id for step in everybody.sources] == [family.ids[4]]
    assert [step.item.mechanism.id for step in everybody.derived] == [family.ids[5]]
    assert {edge.source_id for edge in everybody.edges} == {family.ids[4], family.ids[3]}
    near = await family.service.find_lineage(family.actor, family.ids[3], 1)
    assert [step.distance for step in near.sources] == [1, 1]
    with pytest.raises(MechanismNotFound):
        await family.service.find_lineage(None, family.ids[2], 1)


async def test_only_editors_state_relations_and_only_to_what_they_see(database: Any) -> None:
    family = await a_family(database, hidden=(0,), count=2)
    stranger = Actor(id=(await save_user(database)).id, role=Role.USER)
    with pytest.raises(UnauthorizedOperation):
        await family.service.add_source(stranger, family.ids[1], family.ids[1], DERIVED)
    other = await a_family(database, count=1)
    with pytest.raises(MechanismNotFound):
        await other.service.add_source(other.actor, other.ids[0], family.ids[0], DERIVED)
