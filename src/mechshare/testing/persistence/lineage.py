"""The contract suite of databases: lineage."""

import asyncio

import pytest

from mechshare.domain.errors import MechanismNotFound
from mechshare.domain.ids import MechanismId
from mechshare.domain.lineage import LineageEdge, LineageExists, LineageKind
from mechshare.domain.mechanisms import Mechanism
from mechshare.ports.persistence.database import Database
from mechshare.testing.bounds import bounded
from mechshare.testing.persistence.values import NOW, a_mechanism, new_id, save_mechanisms, save_user


def an_edge(
    mechanism: Mechanism, source_id: MechanismId, kind: LineageKind = LineageKind.DERIVED_FROM
) -> LineageEdge:
    return LineageEdge(
        mechanism_id=mechanism.id,
        source_id=source_id,
        kind=kind,
        created_by=mechanism.user_id,
        created_at=NOW,
    )


async def mechanisms_in(database: Database, count: int) -> list[Mechanism]:
    mika = await save_user(database)
    return await save_mechanisms(database, *(a_mechanism(mika) for _ in range(count)))


async def test_edges_are_found_from_both_ends_and_deleted_once(database: Database) -> None:
    first, second, third = await mechanisms_in(database, 3)
    edges = [
        an_edge(second, first.id),
        an_edge(second, first.id, LineageKind.PART_OF),
        an_edge(third, first.id),
        an_edge(third, second.id),
    ]
    async with database.begin() as tx:
        for edge in reversed(edges):
            await tx.lineage.add(edge)
    async with database.read() as tx:
        assert await tx.lineage.find_sources([second.id, third.id], limit=9) == edges
        assert await tx.lineage.find_derived([first.id], limit=9) == edges[:3]
        assert await tx.lineage.find_derived([first.id], limit=1) == edges[:1]
        assert await tx.lineage.find_sources([first.id, MechanismId("x")], limit=9) == []
    async with database.begin() as tx:
        assert await tx.lineage.delete(third.id, second.id, LineageKind.DERIVED_FROM)
        assert not await tx.lineage.delete(third.id, second.id, LineageKind.DERIVED_FROM)
        assert not await tx.lineage.delete(third.id, first.id, LineageKind.INSPIRED_BY)
    async with database.read() as tx:
        assert await tx.lineage.find_sources([third.id], limit=9) == [edges[2]]


async def test_an_edge_needs_both_mechanisms_is_stored_once_and_ends_with_either(database: Database) -> None:
    first, second, third = await mechanisms_in(database, 3)
    with pytest.raises(MechanismNotFound):
        async with database.begin() as tx:
            await tx.lineage.add(an_edge(first, MechanismId(new_id())))
    async with database.begin() as tx:
        await tx.lineage.add(an_edge(second, first.id))
        await tx.lineage.add(an_edge(third, second.id))
    with pytest.raises(LineageExists):
        async with database.begin() as tx:
            await tx.lineage.add(an_edge(second, first.id))
    async with database.begin() as tx:
        await tx.mechanisms.delete(second.id, second.version)
    async with database.read() as tx:
        assert await tx.lineage.find_sources([second.id, third.id], limit=9) == []


async def test_transactions_that_lock_the_lineage_see_each_others_edges(database: Database) -> None:
    mechanisms = await mechanisms_in(database, 6)

    async def join_to_the_chain(mechanism: Mechanism) -> None:
        """Builds on the mechanism on which nothing builds yet: without the lock, two would choose the same."""
        async with database.begin() as tx:
            await tx.lineage.lock()
            edges = await tx.lineage.find_sources([one.id for one in mechanisms], limit=99)
            last = edges[-1].mechanism_id if edges else mechanisms[0].id
            ends = {edge.mechanism_id for edge in edges} - {edge.source_id for edge in edges}
            await tx.lineage.add(an_edge(mechanism, next(iter(ends), last)))

    async with bounded():
        await asyncio.gather(*map(join_to_the_chain, mechanisms[1:]))
    async with database.read() as tx:
        edges = await tx.lineage.find_sources([one.id for one in mechanisms], limit=99)
    assert len({edge.source_id for edge in edges}) == len(edges) == 5
