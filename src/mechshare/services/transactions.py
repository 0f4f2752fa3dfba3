"""Transactions in which use cases record domain events, whose effects they apply."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any, Protocol, cast

from mechshare.domain.audit import AuditEntry
from mechshare.domain.events import Event
from mechshare.domain.ids import JobId
from mechshare.domain.jobs import INDEXING, JobKind, new_job
from mechshare.domain.notifications import Notice, Notification, NotificationId
from mechshare.domain.text import readable_text
from mechshare.domain.webhook_events import DeliveryDue
from mechshare.ports.cache import Cache
from mechshare.ports.clock import Clock
from mechshare.ports.doorbell import Doorbell
from mechshare.ports.ids import IdSource
from mechshare.ports.persistence.database import Database, UnitOfWork
from mechshare.services.effects import effects_of
from mechshare.services.support.effects import Audited, Work

MAX_SUBJECT_LENGTH = 254
MAX_DETAIL_LENGTH = 500
INDEX_RING_INTERVAL = timedelta(seconds=1)
"""The time between two rings of the doorbell for index jobs. A worker rests from them after each batch, so it would
look for most of them in vain."""


class Transaction(UnitOfWork, Protocol):
    async def record(self, *happened: Event) -> None:
        """Writes the jobs, audit entries and notifications of these events; the other effects follow after the commit.

        Call it after writing what the events are about, so that all transactions take locks in the same order.
        """


class Transactions:
    """Begins the transactions of all use cases.

    Caches and workers are notified after the commit. If the process crashes in between, the jobs of the same commit
    repair it.
    """

    def __init__(
        self, database: Database, cache: Cache, doorbell: Doorbell, clock: Clock, ids: IdSource
    ) -> None:
        self._database = database
        self._cache = cache
        self._doorbell = doorbell
        self._clock = clock
        self._ids = ids
        self._rang_for_index_at = datetime.min.replace(tzinfo=UTC)
        self.read = database.read
        self.now = database.now

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Transaction]:
        """Begins a transaction as `Database.begin` does.

        After the commit it invalidates and refreshes the recorded cache tags, and rings the doorbell if the transaction
        added jobs. If all of them are index jobs and no feed waits for them, it rings once in INDEX_RING_INTERVAL.
        """
        async with self._database.begin() as unit:
            tx = _RecordingTransaction(unit, self._clock, self._ids)
            yield cast(Transaction, tx)
        await self._announce(tx.tags, tx.refreshed)
        if self._must_ring(tx):
            await self._doorbell.ring()

    async def record(self, *happened: Event) -> None:
        """Records events without a data change, such as a refusal, in a transaction of their own if they have jobs or
        audit entries."""
        effects = [effects_of(event) for event in happened]
        if any(each.jobs or each.audit or each.notices for each in effects):
            async with self.begin() as tx:
                await tx.record(*happened)
        else:
            tags = [tag for each in effects for tag in each.tags]
            refreshed = [tag for each in effects for tag in each.refreshed]
            await self._announce(tags, refreshed)

    async def _announce(self, tags: Sequence[str], refreshed: Sequence[str]) -> None:
        if tags:
            await self._cache.invalidate(*dict.fromkeys(tags))
        if refreshed:
            await self._cache.refresh(*dict.fromkeys(refreshed))

    def _must_ring(self, tx: "_RecordingTransaction") -> bool:
        if tx.is_awaited or any(kind not in INDEXING for kind in tx.new_jobs):
            return True
        now = self._clock.now()
        if not tx.new_jobs or abs(now - self._rang_for_index_at) < INDEX_RING_INTERVAL:
            return False
        self._rang_for_index_at = now
        return True


class _RecordingTransaction:
    """Adds `record` to a unit of work."""

    def __init__(self, unit: UnitOfWork, clock: Clock, ids: IdSource) -> None:
        self._unit = unit
        self._clock = clock
        self._ids = ids
        self.tags: list[str] = []
        self.refreshed: list[str] = []
        self.new_jobs: set[JobKind] = set()
        self.is_awaited = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._unit, name)

    async def record(self, *happened: Event) -> None:
        effects = [effects_of(event) for event in happened]
        self.tags += chain.from_iterable(each.tags for each in effects)
        self.refreshed += chain.from_iterable(each.refreshed for each in effects)
        self.is_awaited |= any(each.is_awaited for each in effects)
        for audited in chain.from_iterable(each.audit for each in effects):
            await self._unit.audit.add(self._entry(audited))
        for notice in chain.from_iterable(each.notices for each in effects):
            await self._notify(notice)
        if work := [work for each in effects for work in each.jobs]:
            await self._enqueue(work)

    async def _notify(self, notice: Notice) -> None:
        """Stores the notification and has it sent, unless it is about what its receiver did or has muted."""
        if notice.user_id == notice.actor_id:
            return
        notification = Notification(
            id=NotificationId(self._ids.new_id()),
            user_id=notice.user_id,
            kind=notice.kind,
            mechanism_id=notice.mechanism_id,
            actor_id=notice.actor_id,
            subject=notice.subject,
            created_at=notice.at or self._clock.now(),
        )
        if await self._unit.notifications.add(notification):
            webhooks = await self._unit.webhooks.find_of_user(notice.user_id)
            enabled = [one for one in webhooks if one.disabled_at is None]
            if enabled:
                await self.record(*(DeliveryDue(one, notification.id) for one in enabled))

    async def _enqueue(self, work: Sequence[Work]) -> None:
        now = self._clock.now()
        for unless_pending in (False, True):
            jobs = [
                new_job(
                    JobId(self._ids.new_id()),
                    one.kind,
                    one.subject,
                    now=now,
                    request_id=one.request_id,
                    owner=one.owner,
                )
                for one in work
                if one.unless_pending is unless_pending
            ]
            if jobs:
                await self._unit.ledger.add(*jobs, unless_pending=unless_pending)
                self.new_jobs.update(job.kind for job in jobs)

    def _entry(self, audited: Audited) -> AuditEntry:
        return AuditEntry(
            id=self._ids.new_id(),
            at=self._clock.now(),
            action=audited.action,
            actor_id=audited.actor_id,
            subject=readable_text(audited.subject, max_length=MAX_SUBJECT_LENGTH),
            address=audited.request_metadata.address,
            request_id=audited.request_metadata.request_id,
            detail=readable_text(audited.detail, max_length=MAX_DETAIL_LENGTH),
        )
