"""Counts views and downloads, and shows what is counted."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from mechshare.domain.events import CountsChanged, ListCountsChanged
from mechshare.domain.ids import MechanismId, UserId
from mechshare.domain.policy import Viewer
from mechshare.domain.statistics import (
    Counts,
    DailyTraffic,
    Days,
    Recounted,
    Traffic,
    VisitKind,
    days_between,
    is_bot,
)
from mechshare.domain.users import Actor
from mechshare.ports.clock import Clock
from mechshare.ports.recent_views import RecentViews, View
from mechshare.services.support.access import find_managed, find_visible
from mechshare.services.support.visits import Visit, Visitor, Visits
from mechshare.services.transactions import Transaction, Transactions

_BATCH = 100
"""Mechanisms of one transaction."""
_SLICE = 1_000
"""Visits that are looked at before other tasks of the process have their turn."""

RecountListener = Callable[[Sequence[MechanismId]], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """The counts until now, and the traffic of each of the `days`."""

    counts: Counts
    days: tuple[Traffic, ...]


class _Counted(NamedTuple):
    mechanism_id: MechanismId
    day: date
    kind: VisitKind
    user_id: UserId | None


class StatisticsService:
    """Visits are noted only in this process's memory. `refresh` writes them, and counts what has changed."""

    def __init__(self, transactions: Transactions, recent_views: RecentViews, clock: Clock) -> None:
        self._transactions = transactions
        self._recent_views = recent_views
        self._clock = clock
        self._visits = Visits()
        self._unwritten: Counter[_Counted] = Counter()
        self._refreshing = asyncio.Lock()
        self._listeners: list[RecountListener] = []
        self._unannounced: list[Recounted] = []
        self.note = self._visits.note

    def on_recount(self, listener: RecountListener) -> None:
        """Has `listener` called with the mechanisms that `refresh` has counted again, at most 100 at a time."""
        self._listeners.append(listener)

    async def note_view(self, viewer: Viewer, mechanism_id: MechanismId, visitor: Visitor) -> None:
        """Notes that the visitor looks at a mechanism which `viewer` may see. Raises MechanismNotFound."""
        async with self._transactions.read() as tx:
            await find_visible(tx, viewer, mechanism_id)
        self.note(VisitKind.VIEW, mechanism_id, visitor)

    async def refresh(self) -> None:
        """Writes the visits since the last call, one row for each mechanism and day, and counts again for every
        mechanism whose counts are stale. Raises Unavailable; the next call then does the rest."""
        async with self._refreshing:
            await self._admit(self._visits.take())
            try:
                await self._write()
                await self._recount()
            finally:
                await self._announce_lists()

    async def find_counts(self, ids: Sequence[MechanismId]) -> Mapping[MechanismId, Counts]:
        """Returns the counts of these mechanisms, at most 100, without those that do not exist.

        It checks no access: the caller passes only mechanisms that the viewer may see.
        """
        async with self._transactions.read() as tx:
            return await tx.counts.find(ids)

    async def find_series(
        self, actor: Actor, mechanism_id: MechanismId, first: date | None, last: date | None
    ) -> Series:
        """Returns the statistics of a mechanism for its owner and admins.

        Raises MechanismNotFound, UnauthorizedOperation, InvalidField.
        """
        days = self._days(first, last)
        async with self._transactions.read() as tx:
            mechanism = await find_managed(tx, actor, mechanism_id)
            found = await tx.traffic.find_days(mechanism_id, days)
        return Series(counts=mechanism.counts, days=_complete(days, found))

    async def find_series_of_user(self, actor: Actor, first: date | None, last: date | None) -> Series:
        """Returns the sums over all mechanisms of the actor. Raises InvalidField."""
        days = self._days(first, last)
        async with self._transactions.read() as tx:
            found = await tx.traffic.find_days_of_user(actor.id, days)
            counts = await tx.counts.find_totals(actor.id)
        return Series(counts=counts, days=_complete(days, found))

    def _days(self, first: date | None, last: date | None) -> Days:
        return days_between(first, last, self._clock.now().date())

    async def _admit(self, visits: Sequence[Visit]) -> None:
        """Adds those visits to what is to be written that count."""
        now = self._clock.now()
        for start in range(0, len(visits), _SLICE):
            some = [one for one in visits[start : start + _SLICE] if not is_bot(one.visitor.user_agent)]
            views = [View(one.visitor.name, f"{one.kind} {one.mechanism_id}") for one in some]
            admitted = await self._recent_views.admit(views, now)
            for one, is_admitted in zip(some, admitted, strict=True):
                if is_admitted:
                    counted = _Counted(one.mechanism_id, now.date(), one.kind, one.visitor.user_id)
                    self._unwritten[counted] += 1
            await asyncio.sleep(0)

    async def _write(self) -> None:
        for counted in _batches(self._unwritten):
            ids = sorted({one.mechanism_id for one in counted})
            async with self._transactions.begin() as tx:
                # Only a view by somebody who is signed in may be the owner's.
                known = sorted({one.mechanism_id for one in counted if one.user_id is not None})
                found = await tx.mechanisms.find_authored(known)
                owners = {item.mechanism.id: item.mechanism.user_id for item in found}
                await tx.traffic.add(_traffic(counted, owners))
                recounted = await _recount(tx, ids)
            for one in counted:
                del self._unwritten[one]
            await self._tell(recounted)

    async def _recount(self) -> None:
        while True:
            async with self._transactions.read() as tx:
                stale = await tx.counts.find_stale(_BATCH)
            if stale:
                async with self._transactions.begin() as tx:
                    recounted = await _recount(tx, stale)
                await self._tell(recounted)
            if len(stale) < _BATCH:
                return

    async def _tell(self, recounted: Recounted) -> None:
        self._unannounced.append(recounted)
        for listener in self._listeners:
            await listener(recounted.ids)

    async def _announce_lists(self) -> None:
        """Called once for all transactions of a refresh, since each announcement lets busy lists be read again."""
        recounted, self._unannounced = self._unannounced, []
        categories = {id for one in recounted for id in one.categories}
        users = {id for one in recounted for id in one.users}
        if users:
            await self._transactions.record(ListCountsChanged(categories, users))


def _batches(counted: Mapping[_Counted, int]) -> list[dict[_Counted, int]]:
    """Returns the counts of at most _BATCH mechanisms each, in the order of their ids, as they are stored."""
    of_mechanisms: dict[MechanismId, dict[_Counted, int]] = {}
    for one, count in counted.items():
        of_mechanisms.setdefault(one.mechanism_id, {})[one] = count
    found = [of_mechanisms[id] for id in sorted(of_mechanisms)]
    batches = [found[start : start + _BATCH] for start in range(0, len(found), _BATCH)]
    return [{one: count for counts in batch for one, count in counts.items()} for batch in batches]


async def _recount(tx: Transaction, ids: Sequence[MechanismId]) -> Recounted:
    recounted = await tx.counts.recount(ids)
    await tx.record(CountsChanged(recounted.ids))
    return recounted


def _traffic(counted: Mapping[_Counted, int], owners: Mapping[MechanismId, UserId]) -> Sequence[DailyTraffic]:
    """Returns one sum for each mechanism and day."""
    sums: dict[tuple[MechanismId, date], DailyTraffic] = {}
    for (id, day, kind, user_id), count in counted.items():
        own = count if user_id is not None and user_id == owners.get(id) else 0
        is_view = kind is VisitKind.VIEW
        more = DailyTraffic(
            mechanism_id=id,
            day=day,
            views=count if is_view else 0,
            own_views=own if is_view else 0,
            downloads=0 if is_view else count,
            own_downloads=0 if is_view else own,
        )
        before = sums.get((id, day))
        sums[id, day] = before.plus(more) if before else more
    return list(sums.values())


def _complete(days: Days, found: Sequence[Traffic]) -> tuple[Traffic, ...]:
    """Returns all days, with zeros where nothing was counted."""
    of_day = {traffic.day: traffic for traffic in found}
    return tuple(of_day.get(day) or Traffic(day=day) for day in days)
