"""Compares a stored file with its recorded size and digest, and stores the result."""

from datetime import timedelta
from typing import Protocol

from mechshare.domain.blobs import PROBE_KEY, BlobReference, Damage
from mechshare.domain.errors import Unavailable
from mechshare.domain.events import FileVerified
from mechshare.ports.blobs import BlobStore
from mechshare.ports.clock import Clock
from mechshare.services.support.blob_facts import facts_of
from mechshare.services.transactions import Transactions

VERIFIED_EVERY = timedelta(days=30)
"""The longest time after which the scheduler has a stored file read again."""


class FileObserver(Protocol):
    """Receives the result of each verification, for logs and metrics."""

    def file_verified(self, reference: BlobReference, damage: Damage | None) -> None: ...


class FileVerification:
    def __init__(
        self, transactions: Transactions, blobs: BlobStore, clock: Clock, observer: FileObserver
    ) -> None:
        self._transactions = transactions
        self._blobs = blobs
        self._clock = clock
        self._observer = observer

    async def verify(self, reference: BlobReference, *, max_rate: float | None = None) -> Damage | None:
        """Reads the whole file and stores the result; returns the damage. `max_rate` is in bytes per second.

        Returns None for a file that was deleted meanwhile. Raises Unavailable.
        """
        damage = await self._examine(reference, max_rate)
        async with self._transactions.begin() as tx:
            current = await tx.blob_references.find_by_key(reference.key)
            if current is None:
                return None
            await tx.blob_verifications.set_verified(reference.key, self._clock.now(), damage)
            if damage is not current.damage:
                await tx.record(FileVerified(current))
        self._observer.file_verified(current, damage)
        return damage

    async def verify_key(self, key: str) -> Damage | None:
        """Verifies the file under `key`, if it has a reference."""
        async with self._transactions.read() as tx:
            reference = await tx.blob_references.find_by_key(key)
        return await self.verify(reference) if reference else None

    async def _examine(self, reference: BlobReference, max_rate: float | None) -> Damage | None:
        """Compares the file. A file that twice can't be read from a store that responds is unreadable: a bad sector
        must not look like an outage for ever."""
        for _ in range(2):
            try:
                return reference.damage_of(await facts_of(self._blobs, reference.key, max_rate=max_rate))
            except Unavailable:
                await self._blobs.stat(PROBE_KEY)
        return Damage.UNREADABLE
