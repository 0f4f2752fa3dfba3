"""The contract suite of what analyses motion. The fixture `analyser` provides it."""

from dataclasses import replace
from random import Random

import pytest

from mechshare.domain.motion import GREY_SIDE, VECTOR_BYTES, GreyPictures, MotionKind
from mechshare.ports.motion import MotionAnalyser
from mechshare.testing.drawn_motion import drawn, grey_pictures, slider_crank, turning

_STEP = 0.04


def _turning_clip(periods: float, steps: int) -> GreyPictures:
    """Returns a clip whose pictures come back exactly, in each period."""
    pictures = drawn(slider_crank(Random(3)), turning(1, steps))
    return grey_pictures([pictures[number % steps] for number in range(round(periods * steps))], _STEP)


async def test_a_period_and_a_loop_are_found(analyser: MotionAnalyser) -> None:
    found = await analyser.analyse(_turning_clip(2, 24))

    assert found.motion.kind is MotionKind.LOOP
    assert found.motion.loops
    assert found.motion.period == pytest.approx(24 * _STEP, rel=0.02)
    assert found.motion.cycles == pytest.approx(2, rel=0.02)
    assert found.vector is not None
    assert len(found.vector) == VECTOR_BYTES


async def test_a_part_that_repeats_is_whole_periods_long(analyser: MotionAnalyser) -> None:
    motion = (await analyser.analyse(_turning_clip(2.5, 24))).motion

    assert motion.kind is MotionKind.PERIODIC
    assert not motion.loops
    assert motion.cut is not None
    assert motion.period is not None
    periods = (motion.cut.end - motion.cut.start) / motion.period
    assert periods == pytest.approx(round(periods), abs=0.02)


async def test_the_same_clip_gives_the_same_analysis(analyser: MotionAnalyser) -> None:
    clip = _turning_clip(2, 12)
    first = await analyser.analyse(clip)

    await analyser.prepare()

    assert await analyser.analyse(clip) == first


@pytest.mark.parametrize("count", [1, 2, 40])
async def test_what_does_not_change_is_still(analyser: MotionAnalyser, count: int) -> None:
    found = await analyser.analyse(_plain(count))

    assert found.motion.kind is MotionKind.STILL
    assert found.motion.period is None
    assert found.vector is None


async def test_pictures_that_do_not_fit_their_times_are_refused(analyser: MotionAnalyser) -> None:
    clip = _plain(3)
    hostile = [
        replace(clip, pixels=clip.pixels[:-1]),
        replace(clip, starts=[0.0, 0.2, 0.1]),
        replace(clip, starts=[0.0, float("nan"), 0.2]),
        replace(clip, duration=0.0),
        replace(clip, duration=float("inf")),
        replace(clip, starts=[], pixels=b""),
        replace(clip, width=0),
    ]
    for each in hostile:
        with pytest.raises(ValueError, match="fit"):
            await analyser.analyse(each)


def _plain(count: int) -> GreyPictures:
    return GreyPictures(
        pixels=bytes([90]) * (count * GREY_SIDE**2),
        starts=[number * _STEP for number in range(count)],
        duration=count * _STEP,
        width=320,
        height=240,
    )
