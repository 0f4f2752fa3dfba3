"""Reserves bytes of users' storage quotas while their files arrive, so that concurrent uploads never exceed a quota."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from mechshare.domain.errors import Unavailable, UserNotFound
from mechshare.domain.ids import UserId
from mechshare.domain.storage_quotas import (
    MAX_QUOTA_BYTES,
    RESERVATION_LIFETIME,
    QuotaExceeded,
    Reservation,
    RoleQuotas,
)
from mechshare.ports.clock import Clock
from mechshare.services.support.data_loader import DataLoader
from mechshare.services.support.quotas import find_quota
from mechshare.services.transactions import Transaction, Transactions

_MAX_CONCURRENT_BATCHES = 2
_MIN_STEP, _MAX_STEP = 256 * 1024, 16 * 1024 * 1024
"""Bytes by which a reservation grows ahead of a file whose size is unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claim:
    """The upload of `key` needs `least` bytes in all, and takes `most` if there is room."""

    user_id: UserId
    key: str
    least: int
    most: int


class Reservations:
    """Grants reservations. Those that are requested at the same time share a transaction."""

    def __init__(self, transactions: Transactions, clock: Clock, quotas: RoleQuotas) -> None:
        self._transactions = transactions
        self._clock = clock
        self._quotas = quotas
        self._batches = DataLoader(self._grant_each, max_batches=_MAX_CONCURRENT_BATCHES)

    async def begin(self, user_id: UserId, key: str, size: int) -> "OpenReservation":
        """Reserves `size` bytes for the blob `key`. Raises QuotaExceeded, UserNotFound, Unavailable."""
        opened = OpenReservation(self, self._clock, user_id, key)
        await opened.claim(size, size)
        return opened

    async def release(self, key: str) -> None:
        """Ends the reservation for `key`, if there is one."""
        try:
            async with self._transactions.begin() as tx:
                await tx.storage_quotas.release([key])
        except Unavailable:
            return  # it expires soon

    async def grant(self, claim: _Claim) -> int:
        """Returns the bytes that are now reserved; MAX_QUOTA_BYTES if the user has no limit. Raises QuotaExceeded."""
        return await self._batches.load(claim)

    async def _grant_each(self, claims: Sequence[_Claim]) -> Sequence[int | Exception]:
        granted: dict[_Claim, int | Exception] = {}
        async with self._transactions.begin() as tx:
            # In one order, so that transactions which lock several users never deadlock.
            for claim in sorted(claims, key=lambda one: (one.user_id, one.key)):
                granted[claim] = await self._grant(tx, claim)
        return [granted[claim] for claim in claims]

    async def _grant(self, tx: Transaction, claim: _Claim) -> int | Exception:
        now = self._clock.now()
        try:
            quota = await find_quota(tx, self._quotas, claim.user_id, now, without=claim.key)
            quota.require_room_for(claim.least)
        except (QuotaExceeded, UserNotFound) as refused:
            return refused
        if quota.bytes_limit is None:
            return MAX_QUOTA_BYTES
        size = claim.most if quota.has_room_for(claim.most) else claim.least
        expires_at = now + RESERVATION_LIFETIME
        await tx.storage_quotas.reserve(
            Reservation(key=claim.key, user_id=claim.user_id, size=size, expires_at=expires_at)
        )
        return size


class OpenReservation:
    """The reservation of one upload under way."""

    def __init__(self, reservations: Reservations, clock: Clock, user_id: UserId, key: str) -> None:
        self._reservations = reservations
        self._clock = clock
        self._user_id = user_id
        self._key = key
        self._size = 0
        self._renew_at = clock.now()

    async def cover(self, received: int) -> None:
        """Reserves more if more than reserved was received, and renews a reservation that is about to end.

        Raises QuotaExceeded, Unavailable.
        """
        if received > self._size:
            await self.claim(received, received + min(max(received, _MIN_STEP), _MAX_STEP))
        elif self._clock.now() >= self._renew_at:
            await self.claim(self._size, self._size)

    async def claim(self, least: int, most: int) -> None:
        """Changes the reservation to `most` bytes, or to `least` if there is no room for more."""
        renew_at = self._clock.now() + RESERVATION_LIFETIME / 2
        claim = _Claim(user_id=self._user_id, key=self._key, least=least, most=most)
        self._size = await self._reservations.grant(claim)
        self._renew_at = renew_at

    async def end(self) -> None:
        """Releases the bytes. A cancellation takes effect afterwards."""
        await asyncio.shield(self._reservations.release(self._key))
