"""The traffic of mechanisms, and the counts that are made of it and of likes, comments and claims."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from mechshare.domain.ids import MechanismId, UserId
from mechshare.domain.statistics import Counts, DailyTraffic, Days, Recounted, Traffic


class TrafficRepository(Protocol):
    """Traffic ends with its mechanism."""

    async def add(self, traffic: Sequence[DailyTraffic]) -> None:
        """Adds to the traffic of these days, at most 100 mechanisms. Ignores mechanisms that do not exist.

        Call `recount` in the same transaction: this makes no counts stale.
        """

    async def find_days(self, mechanism_id: MechanismId, days: Days) -> Sequence[Traffic]:
        """Returns the days on which there was traffic, in order."""

    async def find_days_of_user(self, user_id: UserId, days: Days) -> Sequence[Traffic]:
        """Returns the sums over all mechanisms of the user, for the days on which there was traffic, in order."""


class CountRepository(Protocol):
    """`Mechanism.counts` are as of the last `recount`. They are stale when what they are made of has changed."""

    async def mark_stale(self, mechanism_id: MechanismId) -> None:
        """Call it in the transaction that changes what is counted, once the mechanism was found in it."""

    async def mark_stale_of(self, user_id: UserId) -> None:
        """Makes the counts of everything stale that this user has marked, commented on or made claims about. Call it
        first in the transaction that deletes the account: it locks these and the user's own mechanisms, since others
        lock mechanisms before users."""

    async def find_stale(self, limit: int) -> Sequence[MechanismId]:
        """Returns mechanisms whose counts are stale, in the order of their identifiers."""

    async def recount(self, ids: Sequence[MechanismId]) -> Recounted:
        """Counts again for those of these mechanisms, at most 100, that exist; they are then no longer stale. Changes
        no version.

        A change of what is counted that another transaction commits later makes them stale again.
        """

    async def find(self, ids: Sequence[MechanismId]) -> Mapping[MechanismId, Counts]:
        """Returns the counts of these mechanisms, at most 100, without those that do not exist. Checks no access."""

    async def find_totals(self, user_id: UserId) -> Counts:
        """Returns the sums of the counts over all mechanisms of the user; their popularity is 0."""
