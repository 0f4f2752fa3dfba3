from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from mechshare.adapters.ids.uuid7 import Uuid7IdSource
from mechshare.domain.audit import AuditAction
from mechshare.domain.errors import DependencyUnavailable
from mechshare.domain.failed_originals import OriginalDeleted
from mechshare.domain.ids import JobId
from mechshare.domain.jobs import EVERYTHING, JobKind, JobState, new_job
from mechshare.domain.media import FailureCode, ProcessingFailure
from mechshare.domain.notifications import Notification, NotificationId, NotificationKind
from mechshare.domain.pagination import PageRequest
from mechshare.domain.users import Role
from mechshare.ports.media import MediaRejected
from mechshare.services.maintenance.doctor import Problem
from mechshare.services.maintenance.failed_originals import FailedOriginals
from mechshare.services.maintenance.garbage_collection import GarbageCollection
from mechshare.testing.persistence.values import a_session, an_idempotency_record, save_user
from tests.services.world import chunks

UNREADABLE = ProcessingFailure(code=FailureCode.UNREADABLE, detail="no frame")
TOO_MANY = 600
"""Number of rows that one transaction cannot delete within the statement timeout."""


class FailingDeletion:
    """A repository that fails once a transaction has deleted TOO_MANY rows."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self._deleted = 0

    async def delete_older(self, than: datetime, **options: Any) -> int:
        deleted: int = await self._inner.delete_older(than, **options)
        self._deleted += deleted
        if self._deleted >= TOO_MANY:
            raise DependencyUnavailable(dependency="database")
        return deleted


class UnitOfWork:
    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.idempotency_records, self.sessions = (
            FailingDeletion(inner.idempotency_records),
            FailingDeletion(inner.sessions),
        )

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class DatabaseWithShortTimeout:
    def __init__(self, inner: Any) -> None:
        self._inner = inner

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Any]:
        async with self._inner.begin() as tx:
            yield UnitOfWork(tx)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


@pytest.fixture
async def mika(world):
    joined = await world.join("mika")
    world.clock.advance(timedelta(days=30))
    return joined


def kinds(jobs):
    return [job.kind for job in jobs]


async def put(world, key, *, hours_ago):
    """Writes a blob that appears to be `hours_ago` old; the world's clock continues from the store's."""
    await world.blobs.write(key, chunks(b"x"))
    world.blobs.written[key] = world.clock.now() - timedelta(hours=hours_ago)


async def sweep(world):
    await world.app.scheduler.enqueue_due_jobs()
    return await world.work()


async def test_a_sweep_is_enqueued_once_a_day_by_any_number_of_schedulers(world):
    for _ in range(3):
        await world.app.scheduler.enqueue_due_jobs()
    assert kinds(await world.work()).count(JobKind.SWEEP) == 1

    world.clock.advance(timedelta(hours=23))
    await world.app.scheduler.enqueue_due_jobs()
    assert await world.work() == []

    world.clock.advance(timedelta(hours=1))
    await world.app.scheduler.enqueue_due_jobs()
    (job,) = await world.work()
    assert (job.kind, job.subject) == (JobKind.SWEEP, EVERYTHING)


async def test_orphans_are_deleted_after_a_day_and_that_is_audited(world, mika):
    made = await world.create(mika)
    await world.work()
    stored_keys = await world.keys()
    for key in stored_keys:
        world.blobs.written[key] = world.clock.now() - timedelta(days=9)
    await put(world, "originals/lost.gif", hours_ago=25)
    await put(world, f"media/{made.id}/9-superseded.mp4", hours_ago=25)
    await put(world, "originals/under-way.gif", hours_ago=23)

    await sweep(world)

    assert sorted(await world.keys()) == sorted([*stored_keys, "originals/under-way.gif"])
    audited = [entry for entry in await world.audited() if entry.action is AuditAction.BLOB_DELETED]
    assert {entry.subject for entry in audited} == {
        "originals/lost.gif",
        f"media/{made.id}/9-superseded.mp4",
    }


@pytest.mark.parametrize("has_account", [False, True])
async def test_files_that_are_older_than_every_account_are_never_deleted(world, has_account):
    """An emptied database, or a wrong URL of it, would otherwise cost all files of the installation."""
    await put(world, "originals/of-a-lost-database.gif", hours_ago=90 * 24)
    if has_account:
        await world.join("mika")
        world.clock.advance(timedelta(days=30))

    await sweep(world)

    assert await world.keys() == ["originals/of-a-lost-database.gif"]
    reports = {report.name: report for report in await world.app.doctor.examine()}
    assert reports["stored files"].problem is Problem.REPLACED


async def test_a_crash_between_marking_and_deleting_a_blob_changes_nothing(world, mika):
    await put(world, "originals/lost.gif", hours_ago=25)
    await world.app.scheduler.enqueue_due_jobs()
    while (job := await world.app.runner.run_one()).kind is not JobKind.SWEEP:
        pass
    assert await world.keys() == ["originals/lost.gif"]

    world.clock.advance(timedelta(days=1))  # and no worker runs that day
    await sweep(world)

    assert await world.keys() == []
    assert job.attempt == 1


async def test_long_expired_rows_are_deleted(world, mika):
    _, signed_in = await world.sign_in("mika")
    await world.create(mika)
    await world.work()
    await world.create(mika)

    world.clock.advance(timedelta(days=31))
    world.database.ahead = timedelta(days=31)
    await world.app.scheduler.enqueue_due_jobs()
    before = {job.id for job in await world.jobs() if job.state is JobState.DONE}
    await world.work()

    async with world.database.read() as tx:
        assert await tx.sessions.find_by_id(signed_in.session_id) is None
    left = {job.id for job in await world.jobs()}
    assert before
    assert before.isdisjoint(left)
    assert left  # the job of the garbage collection ends last


async def test_notifications_are_deleted_after_ninety_days(world, mika):
    notification = Notification(
        id=NotificationId("01900000-0000-7000-8000-000000000001"),
        user_id=mika.id,
        kind=NotificationKind.DECISION,
        mechanism_id=None,
        actor_id=None,
        subject="",
        created_at=world.clock.now(),
    )
    async with world.database.begin() as tx:
        await tx.notifications.add(notification)
    for days, left in ((90, 1), (1, 0)):
        world.clock.advance(timedelta(days=days))
        world.database.ahead += timedelta(days=days)
        await world.app.scheduler.enqueue_due_jobs()
        await world.work()
        assert len((await world.app.notifications.find(mika, PageRequest())).items) == left


async def test_any_number_of_expired_rows_is_deleted_in_batches(world):
    now, user = world.clock.now(), await save_user(world.database)
    long_ago = now - timedelta(days=9)
    async with world.database.begin() as tx:
        for number in range(TOO_MANY):
            await tx.idempotency_records.add(an_idempotency_record(at=long_ago, key=str(number)))
            await tx.sessions.save(a_session(user, expires_at=long_ago))

    async def progress(step: str, fraction: float) -> None:
        pass

    ids = Uuid7IdSource()
    database = DatabaseWithShortTimeout(world.database)
    transactions = world.transactions(database)
    failed = FailedOriginals(transactions, world.clock, world.observer, None)
    handler = GarbageCollection(database, transactions, world.blobs, world.clock, failed)
    await handler.run(new_job(JobId(ids.new_id()), JobKind.SWEEP, EVERYTHING, now=now), progress)

    async with world.database.begin() as tx:
        assert await tx.idempotency_records.delete_older(now, limit=1) == 0
        assert await tx.sessions.delete_older(now, limit=1) == 0


async def test_a_wiped_index_is_rebuilt_automatically(world, mika):
    made = await world.published(mika)
    await sweep(world)
    assert not await world.index.needs_rebuild()

    await world.index.wipe()
    assert (await world.app.search.search(None, "歯車")).total == 0
    await sweep(world)

    assert [item.found.mechanism.id for item in (await world.app.search.search(None, "歯車")).items] == [
        made.id
    ]


async def test_an_unavailable_index_is_not_rebuilt_until_it_responds(world, mika):
    await world.published(mika)
    world.index.is_down = True
    await world.app.scheduler.enqueue_due_jobs()
    assert JobKind.REBUILD_INDEX not in kinds(await world.jobs())

    world.index.is_down = False
    await sweep(world)
    assert (await world.app.search.search(None, "歯車")).total == 1


async def test_a_failed_rebuild_is_not_restarted_at_once(world):
    world.index.breaks_rebuilding = True
    done = kinds(await sweep(world))
    assert done.count(JobKind.REBUILD_INDEX) == 5
    (failed,) = [job for job in await world.jobs() if job.kind is JobKind.REBUILD_INDEX]
    assert failed.failure.code is FailureCode.CRASHED

    await world.app.scheduler.enqueue_due_jobs()
    assert await world.work() == []
    world.clock.advance(timedelta(minutes=5))
    world.index.breaks_rebuilding = False
    assert JobKind.REBUILD_INDEX in kinds(await sweep(world))
    assert not await world.index.needs_rebuild()


async def failed_long_ago(world, mika):
    """Returns a mechanism whose processing failed 29 days and 23 hours ago."""
    made = await world.create(mika)
    world.media.faults = [MediaRejected(UNREADABLE, permanent=True)]
    await world.work()
    world.clock.advance(timedelta(days=29, hours=23))
    return made


async def test_the_file_of_a_failed_mechanism_is_deleted_when_it_is_due(world, mika):
    made = await failed_long_ago(world, mika)
    key = made.original.key
    used = (await world.app.storage_quotas.get_quota(mika.id)).bytes_used
    assert used > 0
    due_at = (await world.app.processing.get_status(mika, made.id)).deletion_due_at
    assert due_at - world.clock.now() == timedelta(hours=1)
    await sweep(world)
    assert key in await world.keys()

    world.clock.advance(timedelta(days=1))
    await sweep(world)

    assert await world.keys() == []
    assert (await world.app.storage_quotas.get_quota(mika.id)).bytes_used == 0
    assert world.observer.deleted == [key]
    (audited,) = [entry for entry in await world.audited() if entry.action is AuditAction.BLOB_DELETED]
    assert (audited.subject, audited.detail) == (key, "its processing failed")
    assert (await world.stored(made.id)).title == made.title
    assert (await world.app.processing.get_status(mika, made.id)).deletion_due_at is None
    with pytest.raises(OriginalDeleted):
        await world.app.processing.retry(mika, made.id)


async def test_the_file_of_a_failed_mechanism_that_was_retried_stays(world, mika):
    made = await failed_long_ago(world, mika)
    await world.app.processing.retry(mika, made.id)
    world.clock.advance(timedelta(days=9))
    await sweep(world)
    assert made.original.key in await world.keys()
    assert world.observer.deleted == []


async def test_only_editors_see_when_a_file_is_due_to_be_deleted(world, mika):
    made = await failed_long_ago(world, mika)
    admin, moderator = await world.join("root", Role.ADMIN), await world.join("mod", Role.MODERATOR)
    async with world.database.begin() as tx:
        await tx.mechanisms.save(replace(await world.stored(made.id), withdrawn_reason="off topic"))
    assert (await world.app.processing.get_status(admin, made.id)).deletion_due_at is not None
    assert (await world.app.processing.get_status(moderator, made.id)).deletion_due_at is None
