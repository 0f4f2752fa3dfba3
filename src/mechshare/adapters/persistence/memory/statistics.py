"""Traffic and counts of mechanisms in memory."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date

from mechshare.adapters.persistence.memory.access import Access
from mechshare.adapters.persistence.memory.comments import COMMENTS
from mechshare.adapters.persistence.memory.evidence import CLAIMS
from mechshare.adapters.persistence.memory.marks import MARKS
from mechshare.adapters.persistence.memory.table import Column, Table
from mechshare.adapters.persistence.memory.tables import KEY, MECHANISMS
from mechshare.domain.ids import MechanismId, UserId
from mechshare.domain.marks import MarkKind
from mechshare.domain.mechanisms import Mechanism
from mechshare.domain.statistics import (
    Counts,
    DailyTraffic,
    Days,
    Recounted,
    StaleCounts,
    Traffic,
    popularity_of,
)
from mechshare.ports.persistence.statistics import CountRepository, TrafficRepository

DAILY_TRAFFIC = Table(
    "daily_traffic",
    DailyTraffic,
    mechanism_id=Column(primary_key=True, refers_to=MECHANISMS, cascades=True),
    day=KEY,
)
STALE_COUNTS = Table(
    "stale_counts", StaleCounts, mechanism_id=Column(primary_key=True, refers_to=MECHANISMS, cascades=True)
)


class MemoryTrafficRepository(TrafficRepository):
    def __init__(self, access: Access) -> None:
        self._access = access

    async def add(self, traffic: Sequence[DailyTraffic]) -> None:
        stored, mechanisms = self._access.write(DAILY_TRAFFIC), self._access.read(MECHANISMS)
        for one in traffic:
            if mechanisms.find(one.mechanism_id) is None:
                continue
            before = stored.find(one.mechanism_id, one.day)
            stored.put(before.plus(one) if before else one)

    async def find_days(self, mechanism_id: MechanismId, days: Days) -> Sequence[Traffic]:
        return _by_day(_traffic_of(self._access, {mechanism_id}), days)

    async def find_days_of_user(self, user_id: UserId, days: Days) -> Sequence[Traffic]:
        return _by_day(_traffic_of(self._access, _owned_by(self._access, user_id)), days)


class MemoryCountRepository(CountRepository):
    def __init__(self, access: Access) -> None:
        self._access = access

    async def mark_stale(self, mechanism_id: MechanismId) -> None:
        self._access.write(STALE_COUNTS).put(StaleCounts(mechanism_id))

    async def mark_stale_of(self, user_id: UserId) -> None:
        marked = {mark.mechanism_id for mark in self._access.read(MARKS) if mark.user_id == user_id}
        claimed = {claim.mechanism_id for claim in self._access.read(CLAIMS) if claim.user_id == user_id}
        commented = {one.mechanism_id for one in self._access.read(COMMENTS) if one.user_id == user_id}
        for id in marked | claimed | commented:
            await self.mark_stale(id)

    async def find_stale(self, limit: int) -> Sequence[MechanismId]:
        return sorted(one.mechanism_id for one in self._access.read(STALE_COUNTS))[:limit]

    async def recount(self, ids: Sequence[MechanismId]) -> Recounted:
        mechanisms, stale = self._access.write(MECHANISMS), self._access.write(STALE_COUNTS)
        existing = [one for id in ids if (one := mechanisms.find(id))]
        for mechanism in existing:
            mechanisms.put(replace(mechanism, counts=self._counts(mechanism)))
            if stale.find(mechanism.id) is not None:
                stale.delete(mechanism.id)
        public = [one for one in existing if one.is_public]
        return Recounted(
            ids=[one.id for one in existing],
            categories={category for one in public for category in one.categories},
            users={one.user_id for one in public},
        )

    async def find(self, ids: Sequence[MechanismId]) -> Mapping[MechanismId, Counts]:
        mechanisms = self._access.read(MECHANISMS)
        return {one.id: one.counts for id in ids if (one := mechanisms.find(id))}

    async def find_totals(self, user_id: UserId) -> Counts:
        owned, mechanisms = _owned_by(self._access, user_id), self._access.read(MECHANISMS)
        counts = [mechanisms.get(id).counts for id in owned]
        return Counts(
            likes=sum(one.likes for one in counts),
            comments=sum(one.comments for one in counts),
            views=sum(one.views for one in counts),
            downloads=sum(one.downloads for one in counts),
            evidence=sum(one.evidence for one in counts),
        )

    def _counts(self, mechanism: Mechanism) -> Counts:
        id, traffic = mechanism.id, _traffic_of(self._access, {mechanism.id})
        marks, claims = self._access.read(MARKS), self._access.read(CLAIMS)
        comments = self._access.read(COMMENTS)
        counts = Counts(
            likes=sum(mark.mechanism_id == id and mark.kind is MarkKind.LIKE for mark in marks),
            comments=sum(one.mechanism_id == id and not one.is_deleted for one in comments),
            evidence=sum(claim.mechanism_id == id and not claim.is_withdrawn for claim in claims),
            views=sum(one.views for one in traffic),
            downloads=sum(one.downloads for one in traffic),
        )
        own_views = sum(one.own_views for one in traffic)
        return replace(counts, popularity=popularity_of(counts, own_views, mechanism.new_since))


def _owned_by(access: Access, user_id: UserId) -> set[MechanismId]:
    return {one.id for one in access.read(MECHANISMS) if one.user_id == user_id}


def _traffic_of(access: Access, ids: set[MechanismId]) -> list[DailyTraffic]:
    return [one for one in access.read(DAILY_TRAFFIC) if one.mechanism_id in ids]


def _by_day(traffic: Iterable[DailyTraffic], days: Days) -> list[Traffic]:
    of_days: dict[date, list[DailyTraffic]] = defaultdict(list)
    for one in traffic:
        if days.first <= one.day <= days.last:
            of_days[one.day].append(one)
    return [
        Traffic(
            day=day,
            views=sum(one.views for one in all),
            own_views=sum(one.own_views for one in all),
            downloads=sum(one.downloads for one in all),
            own_downloads=sum(one.own_downloads for one in all),
        )
        for day, all in sorted(of_days.items())
    ]
