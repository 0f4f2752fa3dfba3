"""The stored files of an installation: exactly those that its table refers to, whatever happened before."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mechshare.adapters.backups.folders import FolderBackup
from mechshare.adapters.blobs.files import FileBlobStore
from mechshare.adapters.clock.system import SystemClock
from mechshare.adapters.disks.memory import MemoryDisks
from mechshare.adapters.persistence.sql.maintenance.snapshots import SqlSnapshots
from mechshare.adapters.persistence.sql.tables import blob_references
from mechshare.domain.blobs import DERIVATIVES, BlobFacts, OwnerKind, blob_key
from mechshare.domain.errors import DomainException, MediaNotFound
from mechshare.domain.ids import JobId, MechanismId
from mechshare.domain.jobs import JobKind, JobState, new_job
from mechshare.domain.mechanism_filters import MechanismFilter
from mechshare.domain.media import FailureCode, ProcessingFailure
from mechshare.domain.pagination import PageRequest
from mechshare.domain.users import Actor
from mechshare.services.maintenance.backup import BackupService
from mechshare.services.maintenance.garbage_collection import ORPHANED_AFTER
from tests.adapters.persistence.filling import connected
from tests.backups import held_by
from tests.services.conftest import open_world
from tests.services.faults import OVER_AT_ONCE
from tests.services.world import HERE, World, chunks

Step = Callable[[World, Actor], Awaitable[None]]


async def mechanisms_of(world: World, actor: Actor) -> list[MechanismId]:
    """Returns the ids of the actor's mechanisms, oldest first."""
    page = await world.app.mechanisms.find_all(
        actor, PageRequest(limit=100), MechanismFilter(user_id=actor.id)
    )
    return [item.mechanism.id for item in reversed(page.items)]


async def create(world: World, actor: Actor) -> None:
    await world.create(actor)


async def link(world: World, actor: Actor) -> None:
    """Creates a mechanism with an external clip, which stores no file."""
    await world.external(actor)


async def upload_and_crash(world: World, actor: Actor) -> None:
    """Stores a file without creating a mechanism from it."""
    await world.upload(actor)


async def create_while_the_database_goes_away(world: World, actor: Actor) -> None:
    async def go() -> None:
        world.database.is_down = True

    world.blobs.after_write = go
    await world.create(actor)


async def attach(world: World, actor: Actor) -> None:
    """Attaches a file to every mechanism."""
    for id in await mechanisms_of(world, actor):
        file = await world.app.uploads.receive_attachment(actor, chunks(b"ISO-10303-21;"), "a.step")
        await world.app.attachments.add(actor, id, file)


async def detach(world: World, actor: Actor) -> None:
    """Removes the first attachment of every mechanism."""
    for id in await mechanisms_of(world, actor):
        for attachment in (await world.app.attachments.find_all(actor, id))[:1]:
            await world.app.attachments.remove(actor, id, attachment.id)


async def process(world: World, actor: Actor) -> None:
    await world.work()


async def process_and_crash(world: World, actor: Actor) -> None:
    """Kills a worker after its first file; another takes the job over and stores its own files."""

    async def die() -> None:
        raise asyncio.CancelledError

    world.blobs.after_write, world.database.lease = die, OVER_AT_ONCE
    with suppress(asyncio.CancelledError):
        await world.work()
    world.database.lease = None


async def process_while_the_blobs_go_away(world: World, actor: Actor) -> None:
    async def go() -> None:
        world.blobs.is_down = True

    world.blobs.after_write = go
    await world.app.runner.run_one()
    await world.app.runner.run_one()


async def process_while_it_is_deleted(world: World, actor: Actor) -> None:
    async def deletion() -> None:
        await delete(world, actor)

    world.blobs.after_write = deletion
    await world.app.runner.run_one()
    await world.app.runner.run_one()


async def process_again(world: World, actor: Actor) -> None:
    """Processes every clip again, which replaces its derivatives."""
    for id in await mechanisms_of(world, actor):
        async with world.database.begin() as tx:
            found = await tx.mechanisms.find_by_id(id)
            if found.original is None:
                continue
            failure = ProcessingFailure(code=FailureCode.CRASHED)
            await tx.mechanisms.save(found.processing_failed(failure, world.clock.now()))
        await world.app.processing.retry(actor, id)


async def delete(world: World, actor: Actor) -> None:
    for id in (await mechanisms_of(world, actor))[:1]:
        await world.app.mechanisms.delete_mechanism(actor, id, HERE)


async def delete_and_lose_the_blobs(world: World, actor: Actor) -> None:
    """Deletes a mechanism while the store is down; its files are deleted later."""
    await delete(world, actor)
    world.blobs.is_down = True
    await world.app.runner.run_one()
    await world.app.runner.run_one()


async def sweep(world: World, actor: Actor) -> None:
    await collect_garbage(world)


STEPS: list[Step] = [
    create,
    link,
    upload_and_crash,
    create_while_the_database_goes_away,
    attach,
    detach,
    process,
    process_and_crash,
    process_while_the_blobs_go_away,
    process_while_it_is_deleted,
    process_again,
    delete,
    delete_and_lose_the_blobs,
    sweep,
]


async def take(step: Step, world: World, actor: Actor) -> None:
    """Takes a step; then ends all faults and reaps the jobs of dead workers."""
    with suppress(DomainException):
        await step(world, actor)
    world.database.is_down = world.blobs.is_down = False
    world.blobs.after_write = None
    await world.app.runner.reap()


async def collect_garbage(world: World) -> None:
    """Runs all jobs, and the garbage collection a day later."""
    await world.work()
    for key in await world.keys():
        world.blobs.written.setdefault(key, world.clock.now())
    world.clock.advance(ORPHANED_AFTER + timedelta(seconds=1))
    await world.app.scheduler.enqueue_due_jobs()
    await world.work()


async def shown(world: World, actor: Actor) -> set[str]:
    """Returns the keys of the files that the actor's mechanisms refer to."""
    page = await world.app.mechanisms.find_all(
        actor, PageRequest(limit=100), MechanismFilter(user_id=actor.id)
    )
    named: set[str | None] = set()
    for mechanism in (item.mechanism for item in page.items):
        urls = (mechanism.file_url, mechanism.thumbnail_url, mechanism.preview_url)
        named |= {mechanism.original_key, *(blob_key(url) for url in urls if url)}
    return {key for key in named if key}


def referenced(url: str) -> set[str]:
    with connected(url) as connection:
        return {row.key for row in connection.execute(blob_references.select())}


async def backed_up(world: World, url: str, folder: Path) -> set[str]:
    """Returns the keys of the files in a new backup in `folder`."""
    remaining, rows = FileBlobStore(folder / "blobs"), SqlSnapshots(url, folder.parent / "scratch")
    backup = BackupService(
        rows, world.blobs, FolderBackup(folder), remaining, MemoryDisks(), SystemClock(), "1.0"
    )
    await backup.back_up(lambda stage, more, total: None)
    return set(await held_by(remaining))


@settings(max_examples=4)
@given(steps=st.lists(st.sampled_from(STEPS), min_size=2, max_size=6))
@example(steps=[create, create, process, process_again, process_while_it_is_deleted, process])
@example(steps=[create, process_and_crash, create_while_the_database_goes_away, upload_and_crash])
@example(steps=[create, link, attach, attach, process_again, detach])
@example(steps=[create, process, create, delete_and_lose_the_blobs, process_while_the_blobs_go_away])
def test_after_garbage_collection_store_and_backup_contain_the_referenced_files(steps: list[Step]) -> None:
    async def run(folder: Path) -> None:
        url = f"sqlite:///{folder / 'mechshare.db'}"
        async with open_world("sqlite", folder) as world:
            mika = await world.join("mika")
            for step in steps:
                await take(step, world, mika)
            assert referenced(url) <= set(await world.keys())
            assert await shown(world, mika) <= referenced(url)
            assert await backed_up(world, url, folder / "backup") == referenced(url)
            await collect_garbage(world)
            assert set(await world.keys()) == referenced(url)

    with TemporaryDirectory() as folder:
        asyncio.run(run(Path(folder)))


@pytest.fixture
async def mika(world: World) -> Actor:
    return await world.join("mika")


async def references_of(world: World, id: MechanismId) -> dict[str, Any]:
    """Returns the references to its original and its visible files, by key."""
    found = await world.stored(id)
    assert found is not None
    urls = (found.file_url, found.thumbnail_url, found.preview_url, found.motion_url)
    keys = {found.original_key, *(blob_key(url) for url in urls if url)}
    async with world.database.read() as tx:
        return {key: await tx.blob_references.find_by_key(key) for key in keys}


async def lose_facts(world: World, id: MechanismId) -> set[str]:
    """Removes sizes and digests of its derivatives, as before they were recorded; returns their keys."""
    async with world.database.begin() as tx:
        derived = await tx.blob_references.delete_of(OwnerKind.MECHANISM, [id], roles=DERIVATIVES)
        await tx.blob_references.add([replace(one, size=None, sha256=None) for one in derived])
    return {one.key for one in derived}


async def unmeasured(world: World) -> set[str]:
    async with world.database.read() as tx:
        return {one.key for one in await tx.blob_references.find_unmeasured(limit=100)}


async def test_each_file_of_a_clip_has_a_reference_with_size_and_digest(world: World, mika: Actor) -> None:
    made = await world.create(mika)
    assert len(await references_of(world, made.id)) == 1
    await world.work()
    references = await references_of(world, made.id)
    assert len(references) == 5
    for key, reference in references.items():
        written = await world.blobs.write(key, world.blobs.read(key))
        assert BlobFacts(key=key, size=reference.size, sha256=reference.sha256) == written
        assert (reference.owner_kind, reference.owner_id) == (OwnerKind.MECHANISM, made.id)


async def test_deleting_an_account_ends_the_references_to_its_files(world: World, mika: Actor) -> None:
    made = [await world.create(mika) for _ in range(2)]
    await world.work()
    keys = [key for one in made for key in await references_of(world, one.id)]
    await world.app.users.delete_user(mika, HERE)
    async with world.database.read() as tx:
        assert await tx.blob_references.find_referenced(keys) == frozenset()
    await world.work()
    assert await world.keys() == []


async def test_old_derivatives_are_measured_by_a_job_that_is_enqueued_once(world: World, mika: Actor) -> None:
    made = await world.create(mika)
    await world.work()
    before = await references_of(world, made.id)
    await lose_facts(world, made.id)

    for _ in range(2):
        await world.app.scheduler.enqueue_due_jobs()
    done = [job.kind for job in await world.work()]

    assert done.count(JobKind.MEASURE_BLOBS) == 1
    assert await references_of(world, made.id) == before


async def test_no_job_is_enqueued_if_every_file_is_measured(world: World, mika: Actor) -> None:
    await world.create(mika)
    await world.work()
    await world.app.scheduler.enqueue_due_jobs()
    assert JobKind.MEASURE_BLOBS not in [job.kind for job in await world.work()]


async def test_a_lost_file_stays_unmeasured_and_is_retried_once_a_day(world: World, mika: Actor) -> None:
    made = await world.create(mika)
    await world.work()
    lost, *_ = sorted(await lose_facts(world, made.id))
    await world.blobs.delete(lost)

    for hours, wanted in ((0, 1), (23, 0), (1, 1)):
        world.clock.advance(timedelta(hours=hours))
        await world.app.scheduler.enqueue_due_jobs()
        done = [job.kind for job in await world.work()]
        assert done.count(JobKind.MEASURE_BLOBS) == wanted
        assert await unmeasured(world) == {lost}
    assert {job.state for job in await world.jobs()} == {JobState.DONE}


async def test_interrupted_measuring_resumes(world: World, mika: Actor) -> None:
    made = await world.create(mika)
    await world.work()
    first, second, *others = sorted(await lose_facts(world, made.id))
    world.blobs.unreadable = {second}
    await world.app.scheduler.enqueue_due_jobs()
    while await unmeasured(world) == {first, second, *others}:
        assert await world.app.runner.run_one() is not None
    assert await unmeasured(world) == {second, *others}

    world.blobs.unreadable = set()
    await world.work()

    assert await unmeasured(world) == set()


async def test_a_referenced_blob_is_never_deleted(world: World, mika: Actor) -> None:
    made = await world.create(mika)
    await world.work()
    remaining = sorted(await references_of(world, made.id))
    await world.blobs.write(f"media/{made.id}/9-superseded.mp4", chunks(b"x"))
    async with world.database.begin() as tx:
        for number, subject in enumerate((made.original_key, f"media/{made.id}/")):
            id = JobId(f"01900000-0000-7000-8000-{number:012x}")
            await tx.ledger.add(new_job(id, JobKind.DELETE_BLOBS, subject, now=world.clock.now()))
    await world.work()
    assert await world.keys() == remaining


async def test_an_unreferenced_derivative_is_not_found(world: World, mika: Actor) -> None:
    made = await world.create(mika)
    await world.work()
    superseded = f"media/{made.id}/9-superseded.mp4"
    await world.blobs.write(superseded, chunks(b"x"))
    with pytest.raises(MediaNotFound):
        await world.app.media.find_media(mika, superseded)
