"""States what mechanisms build on, and follows it in both directions."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from mechshare.domain.ids import MechanismId
from mechshare.domain.lineage import (
    MAX_DEPTH,
    MAX_SHOWN,
    MAX_SOURCES,
    Lineage,
    LineageCycle,
    LineageEdge,
    LineageKind,
    LineageNotFound,
    LineageStep,
    TooManySources,
)
from mechshare.domain.mechanisms import AuthoredMechanism
from mechshare.domain.policy import Viewer
from mechshare.domain.users import Actor
from mechshare.ports.clock import Clock
from mechshare.ports.persistence.database import UnitOfWork
from mechshare.services.support.access import find_changeable, find_editable, find_visible, found_among
from mechshare.services.support.idempotency import IdempotentRequest, run_once
from mechshare.services.transactions import Transaction, Transactions

_MAX_EDGES = 5 * MAX_SHOWN
"""Edges that are read at each distance."""
_BATCH_SIZE = 1_000


class LineageService:
    def __init__(self, transactions: Transactions, clock: Clock) -> None:
        self._transactions = transactions
        self._clock = clock

    async def find_lineage(self, viewer: Viewer, mechanism_id: MechanismId, depth: int) -> Lineage:
        """Returns the lineage to a distance of `depth`, at most MAX_DEPTH. Raises MechanismNotFound.

        Mechanisms that `viewer` may not see are absent, with everything that is connected only through them.
        """
        depth = min(depth, MAX_DEPTH)
        async with self._transactions.read() as tx:
            await find_visible(tx, viewer, mechanism_id)
            sources = await _follow(tx, viewer, mechanism_id, depth, to_sources=True)
            derived = await _follow(tx, viewer, mechanism_id, depth, to_sources=False)
        edges = dict.fromkeys([*sources.edges, *derived.edges])
        return Lineage(
            mechanism_id=mechanism_id,
            sources=sources.steps,
            derived=derived.steps,
            edges=tuple(edges),
            is_complete=sources.is_complete and derived.is_complete,
        )

    async def add_source(
        self,
        actor: Actor,
        mechanism_id: MechanismId,
        source_id: MechanismId,
        kind: LineageKind,
        idempotency: IdempotentRequest[LineageEdge] | None = None,
    ) -> LineageEdge:
        """States that the actor's mechanism builds on another one that the actor may see.

        Raises MechanismNotFound, UnauthorizedOperation, LineageExists, LineageCycle, TooManySources, and as `run_once`
        does.
        """
        edge = LineageEdge(
            mechanism_id=mechanism_id,
            source_id=source_id,
            kind=kind,
            created_by=actor.id,
            created_at=self._clock.now(),
        )
        async with self._transactions.begin() as tx:
            await tx.lineage.lock()
            await find_changeable(tx, actor, mechanism_id)
            await find_visible(tx, actor, source_id)
            return await run_once(tx, self._clock, idempotency, lambda: _add(tx, edge))

    async def remove_source(
        self, actor: Actor, mechanism_id: MechanismId, source_id: MechanismId, kind: LineageKind
    ) -> None:
        """Takes the statement back. Raises MechanismNotFound, UnauthorizedOperation, LineageNotFound."""
        async with self._transactions.begin() as tx:
            await find_editable(tx, actor, mechanism_id)
            if not await tx.lineage.delete(mechanism_id, source_id, kind):
                raise LineageNotFound()


async def _add(tx: Transaction, edge: LineageEdge) -> LineageEdge:
    if len(await tx.lineage.find_sources([edge.mechanism_id], limit=MAX_SOURCES)) == MAX_SOURCES:
        raise TooManySources(limit=MAX_SOURCES)
    if edge.mechanism_id in await _ancestry(tx, edge.source_id):
        raise LineageCycle()
    await tx.lineage.add(edge)
    return edge


async def _ancestry(tx: Transaction, start: MechanismId) -> set[MechanismId]:
    """Returns `start` and all that it builds on, hidden ones too."""
    reached, ahead = {start}, [start]
    while ahead:
        batch, ahead = ahead[:_BATCH_SIZE], ahead[_BATCH_SIZE:]
        for edge in await tx.lineage.find_sources(batch, limit=MAX_SOURCES * len(batch)):
            if edge.source_id not in reached:
                reached.add(edge.source_id)
                ahead.append(edge.source_id)
    return reached


class _Followed(NamedTuple):
    steps: tuple[LineageStep, ...]
    edges: tuple[LineageEdge, ...]
    is_complete: bool


async def _follow(
    tx: UnitOfWork, viewer: Viewer, start: MechanismId, depth: int, *, to_sources: bool
) -> _Followed:
    """Follows the edges in one direction, through mechanisms that `viewer` may see."""
    steps: dict[MechanismId, LineageStep] = {}
    edges: list[LineageEdge] = []
    ahead, is_complete = [start], True
    for distance in range(1, depth + 1):
        found = await _edges_of(tx, ahead, to_sources=to_sources)
        new = dict.fromkeys(id for id in (_end(edge, to_sources) for edge in found) if id not in steps)
        room = MAX_SHOWN - len(steps)
        is_complete = is_complete and len(found) < _MAX_EDGES and len(new) <= room
        visible = await _visible(tx, viewer, list(new)[:room])
        for edge in found:
            end = _end(edge, to_sources)
            if end in visible:
                steps.setdefault(end, LineageStep(item=visible[end], edge=edge, distance=distance))
            if end in steps:
                edges.append(edge)
        ahead = list(visible)
        if not ahead:
            break
    return _Followed(tuple(steps.values()), tuple(edges), is_complete)


async def _edges_of(tx: UnitOfWork, ids: Sequence[MechanismId], *, to_sources: bool) -> Sequence[LineageEdge]:
    if to_sources:
        return await tx.lineage.find_sources(ids, limit=_MAX_EDGES)
    return await tx.lineage.find_derived(ids, limit=_MAX_EDGES)


def _end(edge: LineageEdge, to_sources: bool) -> MechanismId:
    return edge.source_id if to_sources else edge.mechanism_id


async def _visible(
    tx: UnitOfWork, viewer: Viewer, ids: Iterable[MechanismId]
) -> dict[MechanismId, AuthoredMechanism]:
    found = await tx.mechanisms.find_authored(list(ids))
    return {item.mechanism.id: item for item in await found_among(tx, viewer, found)}
