"""The analysis of drawn clips, whose periods are known."""

from collections.abc import Callable
from pathlib import Path
from random import Random

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps

from mechshare.adapters.media.motion import LoopResponder
from mechshare.adapters.motion.analyser import NumpyMotionAnalyser
from mechshare.adapters.motion.border import without_border
from mechshare.adapters.motion.grid import grid_of
from mechshare.adapters.motion_index.memory import MemoryMotionIndex
from mechshare.domain.ids import MechanismId
from mechshare.domain.motion import GREY_SIDE, Motion, MotionKind
from mechshare.testing.drawn_motion import (
    Look,
    Machine,
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


def framed(pictures: list[Image.Image]) -> list[Image.Image]:
    return [ImageOps.expand(one, (20, 50), "black") for one in pictures]


def numbered(pictures: list[Image.Image]) -> list[Image.Image]:
    """Returns the pictures with a running number in a white field."""
    copies = [one.copy() for one in pictures]
    for number, one in enumerate(copies):
        draw = ImageDraw.Draw(one)
        draw.rectangle((2, 2, 50, 18), fill="white")
        draw.text((5, 5), f"{7 * number:05d}", fill="black")
    return copies


def captioned(pictures: list[Image.Image]) -> list[Image.Image]:
    """Returns the pictures with a text of high contrast on them, which does not change."""
    copies = [one.copy() for one in pictures]
    for one in copies:
        draw = ImageDraw.Draw(one)
        draw.rectangle((0, 155, *one.size), fill="black")
        draw.text((8, 161), "a line of text", fill="white")
    return copies


async def likeness_of(one: list[Image.Image], other: list[Image.Image]) -> float:
    analyser, index = NumpyMotionAnalyser(), MemoryMotionIndex()
    stored, searched = [await analyser.analyse(grey_pictures(clip, STEP)) for clip in (one, other)]
    await index.put([(MechanismId("01900000-0000-7000-8000-000000000001"), stored.vector)])
    assert searched.vector is not None
    (nearest,) = await index.nearest(searched.vector, offset=0, limit=1)
    return nearest.likeness


@pytest.mark.parametrize("alter", [framed, numbered, captioned])
async def test_what_stands_beside_a_machine_does_not_change_its_motion(
    alter: Callable[[list[Image.Image]], list[Image.Image]],
) -> None:
    clip = drawn(four_bar(Random(8)), turning(2.3, 31.4))

    assert await likeness_of(clip, alter(clip)) > 0.9


@pytest.mark.parametrize("make", [four_bar, wiper])
async def test_a_smaller_drawing_is_the_same_motion(make: Callable[[Random], Machine]) -> None:
    machine, moments = make(Random(9)), turning(1.5, 30)

    assert await likeness_of(drawn(machine, moments), drawn(machine, moments, Look(scale=22))) > 0.9


def test_an_edge_that_stands_still_beside_a_motion_does_not_move() -> None:
    clip = drawn(cam(Random(8)), turning(1, 20))
    for one in clip:
        ImageDraw.Draw(one).rectangle((4, 4, 40, 24), fill="black")
    grid = grid_of(grey_pictures(clip, STEP))
    corner = np.s_[:, :10, :12]

    assert grid.pictures[corner].std(axis=0).max() > 0.5
    assert grid.settled()[corner].std(axis=0).max() < 0.1


def test_a_border_is_found_and_a_margin_of_the_background_is_not() -> None:
    clip = drawn(wiper(Random(8)), turning(1, 20), Look(scale=15))
    plain, bars = (grid_of(grey_pictures(one, STEP)).pictures for one in (clip, framed(clip)))

    assert without_border(plain, (240, 180))[0].shape == plain.shape
    inside, (width, height) = without_border(bars, (280, 280))
    assert inside.shape[1] < 64 * 180 / 280 < bars.shape[1]
    assert (width, height) == pytest.approx((240, 180), abs=25)


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_clip_of_one_colour_has_no_border(level: int) -> None:
    pictures = np.full((5, 64, 64), level, np.float32)

    assert without_border(pictures, (640, 480))[0].shape == pictures.shape


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
