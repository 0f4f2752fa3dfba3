"""The contract suite of databases: analysed motions."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from mechshare.domain.ids import MechanismId
from mechshare.domain.kinds import MechanismKind
from mechshare.domain.media import MediaFormat
from mechshare.domain.motion import AnalysedMotion
from mechshare.domain.originals import OriginalFile
from mechshare.domain.processing import READY
from mechshare.ports.persistence.database import Database
from mechshare.testing.persistence.values import a_mechanism, new_id, save_mechanisms, save_user

_NOW = datetime(2026, 1, 1, tzinfo=UTC)


async def _save_clips(database: Database, count: int) -> list[MechanismId]:
    user = await save_user(database)
    key = f"media/{new_id()}/original.gif"
    original = OriginalFile(key=key, format=MediaFormat.GIF, size=1, sha256="0" * 64, name="x.gif")
    clips = [
        replace(a_mechanism(user), kind=MechanismKind.CLIP, processing=READY, original=original)
        for _ in range(count)
    ]
    return sorted(saved.id for saved in await save_mechanisms(database, *clips))


def _motion(id: MechanismId, seconds: int = 0, analysis: int = 1) -> AnalysedMotion:
    at = _NOW + timedelta(seconds=seconds)
    return AnalysedMotion(mechanism_id=id, analysis=analysis, vector=bytes(range(256)), analysed_at=at)


async def _save(database: Database, *motions: AnalysedMotion) -> None:
    async with database.begin() as tx:
        for motion in motions:
            await tx.motions.save(motion)


async def test_a_motion_replaces_an_earlier_one(database: Database) -> None:
    (id,) = await _save_clips(database, 1)
    await _save(database, _motion(id))
    newer = replace(_motion(id, 5, analysis=2), vector=None)
    await _save(database, newer)

    async with database.read() as tx:
        assert await tx.motions.find(id) == newer
        assert await tx.motions.find(MechanismId(new_id())) is None


async def test_motions_are_read_in_the_order_of_their_analysis(database: Database) -> None:
    first, second, third = await _save_clips(database, 3)
    await _save(database, _motion(third, 1), _motion(second, 2), _motion(first, 2))

    async with database.read() as tx:
        begin = await tx.motions.find_since(_NOW, None, limit=2)
        last = begin[-1]
        rest = await tx.motions.find_since(last.analysed_at, last.mechanism_id, limit=9)
    assert [one.mechanism_id for one in begin] == [third, first]
    assert [one.mechanism_id for one in rest] == [second]


async def test_clips_that_no_current_analysis_has_seen_are_found(database: Database) -> None:
    first, second, third = await _save_clips(database, 3)
    await save_mechanisms(database, a_mechanism(await save_user(database)))  # hosted elsewhere
    await _save(database, _motion(second, analysis=1), _motion(third, analysis=2))

    async with database.read() as tx:
        assert await tx.motions.find_unanalysed(2, None, limit=1) == [first]
        assert await tx.motions.find_unanalysed(2, first, limit=9) == [second]
        assert await tx.motions.count_unanalysed(2) == 2
        assert await tx.motions.count_unanalysed(1) == 1


async def test_a_motion_ends_with_its_mechanism(database: Database) -> None:
    (id,) = await _save_clips(database, 1)
    await _save(database, _motion(id))

    async with database.begin() as tx:
        found = await tx.mechanisms.find_by_id(id)
        assert found is not None
        await tx.mechanisms.delete(id, found.version)

    async with database.read() as tx:
        assert await tx.motions.find(id) is None
