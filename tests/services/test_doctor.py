"""The problems that the doctor finds in each dependency."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from mechshare.bootstrap.application import build
from mechshare.domain.errors import DependencyUnavailable, SchemaOutdated, StorageFull
from mechshare.domain.pagination import EXACT_TOTAL
from mechshare.ports.media import Isolation
from mechshare.services.maintenance.doctor import DoctorReport, Problem, cause_of
from mechshare.testing.persistence.attachments import a_stored_mechanism, an_attachment
from mechshare.testing.persistence.values import a_mechanism, save_user
from mechshare.testing.search.contract import document

NAMES = [
    "database",
    "clock",
    "disk",
    "blobs",
    "stored files",
    "search",
    "motions",
    "models",
    "jobs",
    "cache",
    "limits",
]


class Wrapped:
    """An adapter with some methods replaced."""

    def __init__(self, inner: Any, **others: Any) -> None:
        self._inner = inner
        self._others = others

    def __getattr__(self, name: str) -> Any:
        return self._others.get(name) or getattr(self._inner, name)


@pytest.fixture(autouse=True)
async def clocks_agree(world):
    world.database.ahead = world.clock.now() - await world.database.now()


async def examined(world: Any, *, database: Any = None, blobs: Any = None) -> dict[str, DoctorReport]:
    adapters = replace(world.adapters, database=database or world.database, blobs=blobs or world.blobs)
    service = build(world.app.settings, world.observer, adapters).doctor
    return {report.name: report for report in await service.examine()}


async def test_a_working_installation_has_no_problems(world):
    reports = await examined(world)
    assert list(reports) == NAMES
    assert {one.problem for one in reports.values()} == {None}
    assert all(one.message for one in reports.values())


async def test_the_doctor_leaves_nothing_behind(world):
    await examined(world)
    assert [key async for key in world.blobs.list("")] == []


@pytest.mark.parametrize(
    ("broken", "down", "is_essential"),
    [("database", ["database", "clock"], True), ("blobs", ["blobs"], True), ("index", ["search"], False)],
)
async def test_an_outage_is_named_and_the_rest_still_examined(world, broken, down, is_essential):
    getattr(world, broken).is_down = True
    reports = await examined(world)
    assert list(reports) == NAMES
    assert [one.name for one in reports.values() if one.problem] == down
    assert {reports[name].problem for name in down} == {Problem.DOWN}
    assert reports[down[0]].is_essential is is_essential


async def test_an_outdated_schema_is_reported(world):
    async def verify() -> str:
        raise SchemaOutdated(found="0001", newest="0002")

    database = (await examined(world, database=Wrapped(world.database, verify=verify)))["database"]
    assert database.problem is Problem.OUTDATED
    assert "0002" in database.message


@pytest.mark.parametrize("seconds", [30, -30])
async def test_clock_skew_is_reported(world, seconds):
    world.database.ahead += timedelta(seconds=seconds)
    clock = (await examined(world))["clock"]
    assert clock.problem is Problem.SKEWED
    assert ("ahead of" if seconds > 0 else "behind") in clock.message


async def test_a_full_store_is_reported(world):
    async def write(key: str, chunks: AsyncIterator[bytes]) -> None:
        raise StorageFull()

    assert (await examined(world, blobs=Wrapped(world.blobs, write=write)))["blobs"].problem is Problem.FULL


async def test_a_store_that_returns_wrong_bytes_is_detected(world):
    async def read(key: str) -> AsyncIterator[bytes]:
        yield b"something else"

    assert (await examined(world, blobs=Wrapped(world.blobs, read=read)))["blobs"].problem is Problem.ALTERED
    assert [key async for key in world.blobs.list("")] == []


async def test_an_incomplete_index_is_detected(world):
    ann = await world.join("ann")
    mechanism = await world.external(ann)
    await world.app.mechanisms.publish(ann, mechanism.id)

    before = (await examined(world))["search"]
    await world.app.search.reindex()
    after = (await examined(world))["search"]

    assert before.problem is Problem.OUT_OF_SYNC
    assert "holds 0 published mechanisms, the database 1; " in before.message
    assert after.problem is None


async def test_an_index_with_other_versions_and_the_right_number_is_detected(world):
    ann = await world.join("ann")
    shared = [await world.external(ann) for _ in range(3)]
    for mechanism in shared:
        await world.app.mechanisms.publish(ann, mechanism.id)
    await world.work()
    assert (await examined(world))["search"].problem is None
    lost, changed, _ = [await world.stored(mechanism.id) for mechanism in shared]

    await world.index.remove(lost.id, lost.version + 10)
    await world.index.put([document("stranger", "cam")])
    await world.index.put([document(changed.id, "cam", version=changed.version + 1)])

    found = (await examined(world))["search"]
    assert found.problem is Problem.OUT_OF_SYNC
    assert found.message.startswith("the index holds 3 published mechanisms, the database 3; ")
    assert "lacks 1, has 1 in another version, and 1 that are not published" in found.message


async def test_models_without_a_thumbnail_are_counted_until_jobs_draw_them(world):
    id = await a_stored_mechanism(world.database)
    async with world.database.begin() as tx:
        for place in range(2):
            await tx.attachments.add(replace(an_attachment(id, place), content_type="model/stl"))
    models = (await examined(world))["models"]
    assert (models.problem, models.message) == (
        Problem.OUTDATED,
        "attached 3-D models without a thumbnail: 2",
    )
    await world.app.model_thumbnails.draw_missing()
    models = (await examined(world))["models"]
    assert (models.problem, models.message) == (None, "2 wait to be drawn")


async def test_totals_are_compared_up_to_the_limit_of_exact_counts(world):
    user = await save_user(world.database)
    for _ in range(EXACT_TOTAL // 1_000 + 2):
        async with world.database.begin() as tx:
            await tx.mechanisms.add([a_mechanism(user) for _ in range(1_000)])
    message = "the index holds {} published mechanisms, the database more than 10,000"

    await world.index.put([document(str(number), "cam") for number in range(EXACT_TOTAL)])
    fewer = (await examined(world))["search"]
    await world.index.put([document(str(EXACT_TOTAL), "cam")])  # an index may stop counting here
    as_many = (await examined(world))["search"]
    await world.index.put([document(str(EXACT_TOTAL + 1), "cam")])
    counted_on = (await examined(world))["search"]

    assert (fewer.problem, fewer.message) == (Problem.OUT_OF_SYNC, message.format(10_000))
    assert (as_many.problem, as_many.message) == (None, message.format("more than 10,000"))
    assert (counted_on.problem, counted_on.message) == (None, message.format("more than 10,000"))


def test_the_first_line_of_the_innermost_cause_is_shown():
    down = DependencyUnavailable(dependency="database")
    assert cause_of(down) == ""
    down.__cause__ = RuntimeError("outer")
    down.__cause__.__cause__ = OSError("connection refused\n\tis it  running?")
    assert cause_of(down) == "connection refused"
    down.__cause__.__cause__ = TimeoutError()
    assert cause_of(down) == "TimeoutError"


@pytest.mark.parametrize(
    ("isolation", "problem"),
    [
        (Isolation(active=("a filter",)), None),
        (Isolation(active=("a filter",), missing=("Landlock",)), Problem.WEAK),
        (DependencyUnavailable(dependency="media process"), Problem.DOWN),
    ],
    ids=["whole", "weak", "down"],
)
async def test_the_layers_that_isolate_decoding_are_reported(world, isolation, problem):
    async def tried() -> Isolation:
        if isinstance(isolation, Exception):
            raise isolation
        return isolation

    adapters = replace(world.adapters, media=Wrapped(world.media, isolation=tried))
    report = await build(world.app.settings, world.observer, adapters).doctor.examine_isolation()

    assert report.problem is problem
    assert report.is_essential is (problem is not Problem.WEAK)
    if isinstance(isolation, Isolation):
        assert all(layer in report.message for layer in (*isolation.active, *isolation.missing))
