"""The analysis of drawn clips, whose periods are known."""

from pathlib import Path
from random import Random

import pytest
from PIL import Image, ImageOps

from mechshare.adapters.media.motion import LoopResponder
from mechshare.adapters.motion.analyser import NumpyMotionAnalyser
from mechshare.adapters.motion_index.memory import MemoryMotionIndex
from mechshare.domain.ids import MechanismId
from mechshare.domain.motion import GREY_SIDE, Motion, MotionKind
from mechshare.testing.drawn_motion import (
    any_look,
    cam,
    drawn,
    four_bar,
    grey_pictures,
    rotor,
    turning,
    wiper,
)

STEP = 0.04


async def motion_of(pictures: list[Image.Image]) -> Motion:
    return (await NumpyMotionAnalyser().analyse(grey_pictures(pictures, STEP))).motion


@pytest.mark.parametrize("periods", [1.4, 2.3])
async def test_a_period_need_not_be_a_whole_number_of_pictures(periods: float) -> None:
    motion = await motion_of(drawn(four_bar(Random(1)), turning(periods, 31.4)))

    assert motion.kind is MotionKind.PERIODIC
    assert motion.period == pytest.approx(31.4 * STEP, rel=0.01)
    assert motion.seam is not None
    assert motion.seam <= 1.1


async def test_one_whole_turn_is_a_loop() -> None:
    motion = await motion_of(drawn(four_bar(Random(2)), turning(1, 40)))

    assert (motion.kind, motion.loops, motion.cycles) == (MotionKind.LOOP, True, 1.0)
    assert motion.period == pytest.approx(40 * STEP, rel=0.02)


async def test_a_motion_there_and_back_is_distinguished_from_a_rotation() -> None:
    swinging = await motion_of(drawn(wiper(Random(3)), turning(2, 30)))
    rotating = await motion_of(drawn(rotor(Random(3)), turning(2, 30)))

    assert (swinging.there_and_back, rotating.there_and_back) == (True, False)


async def test_a_fade_and_a_motion_in_one_direction_have_no_period() -> None:
    (one,) = drawn(four_bar(Random(4)), [0.2])
    fade = [Image.blend(one, Image.new("RGB", one.size), number / 40) for number in range(30)]
    for pictures in (fade, drawn(four_bar(Random(4)), [number / 60 for number in range(30)])):
        motion = await motion_of(pictures)
        assert (motion.kind, motion.period, motion.cut) == (MotionKind.APERIODIC, None, None)


async def test_a_mirrored_and_slower_copy_is_nearest_to_its_original() -> None:
    analyser, index = NumpyMotionAnalyser(), MemoryMotionIndex()
    own, other = (MechanismId(f"01900000-0000-7000-8000-{number:012x}") for number in (1, 2))
    machines = {own: four_bar(Random(5)), other: rotor(Random(5))}
    for id, machine in machines.items():
        found = await analyser.analyse(grey_pictures(drawn(machine, turning(1.5, 30)), STEP))
        await index.put([(id, found.vector)])
    copy = [ImageOps.mirror(one) for one in drawn(machines[own], turning(1.5, 50, 0.3))]

    vector = (await analyser.analyse(grey_pictures(copy, STEP))).vector
    assert vector is not None
    first, second = await index.nearest(vector, offset=0, limit=2)
    assert (first.mechanism_id, first.is_duplicate) == (own, True)
    assert first.likeness > 0.8 > second.likeness


async def test_a_copy_with_another_colour_for_each_part_is_nearest_to_its_original() -> None:
    analyser, index, random = NumpyMotionAnalyser(), MemoryMotionIndex(), Random(6)
    machines = {
        MechanismId(f"01900000-0000-7000-8000-{number:012x}"): make(random)
        for number, make in enumerate((four_bar, four_bar, four_bar, cam, cam))
    }
    for id, machine in machines.items():
        pictures = drawn(machine, turning(1.3, 30), any_look(random))
        await index.put([(id, (await analyser.analyse(grey_pictures(pictures, STEP))).vector)])

    for id, machine in machines.items():
        copy = drawn(machine, turning(1.3, 40, 0.4), any_look(random))
        vector = (await analyser.analyse(grey_pictures(copy, STEP))).vector
        assert vector is not None
        (nearest,) = await index.nearest(vector, offset=0, limit=1)
        assert nearest.mechanism_id == id


@pytest.mark.parametrize(
    "stated",
    [
        None,
        {},
        {"starts": "no", "duration": 1, "width": 1, "height": 1},
        {"starts": [0.0, 0.5], "duration": 1e400, "width": 1, "height": 1},
        {"starts": [0.0] * 100_000, "duration": 1, "width": 1, "height": 1},
        {"starts": [0.0, 0.5], "duration": 0.1, "width": 1, "height": 1},
    ],
)
async def test_a_hostile_description_of_a_clip_gives_no_motion(tmp_path: Path, stated: object) -> None:
    strip = tmp_path / "grey"
    strip.write_bytes(bytes(2 * GREY_SIDE**2))
    responder = LoopResponder(NumpyMotionAnalyser(), strip)

    assert responder.is_question({"grey": stated})
    assert await responder.reply({"grey": stated}) == b"null\n"
    assert responder.found is None
    assert not responder.is_question({"grey": stated})
