"""Writes the directions into which the features of a motion are projected to become its vector.

    python -m tools.motion_projection

It draws machines, each several times in other colours, sizes and places, and several times altered, and takes the
directions in which machines differ most beside the differences between drawings of one machine (linear discriminant
analysis). This takes some minutes. The encoder may change a few grey values from run to run, and with them the last
digits of the directions. Other directions are another version of the analysis: raise `ANALYSIS` in
`mechshare/domain/motion.py` with them.
"""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from math import cos, pi, sin
from random import Random

import numpy as np
from bench.altered_clips import CHANGES, Pictures

from mechshare.adapters.motion.border import without_border
from mechshare.adapters.motion.grid import grid_of
from mechshare.adapters.motion.vector import PROJECTION, features
from mechshare.domain.motion import VECTOR_NUMBERS, GreyPictures
from mechshare.testing.drawn_motion import (
    MACHINES,
    Canvas,
    Look,
    Machine,
    Point,
    any_look,
    drawn,
    grey_pictures,
    turning,
)

_SEED = 20_260_000
_OF_EACH_KIND = 45
_STEP = 0.04
_LEAST_SPREAD = 0.003
"""As a part of the mean variance between drawings of one machine: features that hardly varied there may elsewhere."""
_LINKAGE = "any linkage"
_SMALLER, _NARROW = "smaller", "narrow"
_ALTERATIONS = (
    "running counter",
    "line of text",
    "letter box",
    "a fifth wider",
    _NARROW,
    "CRF 35",
    "black border, CRF 35",
    "noise",
    "a tenth cropped",
    "a tenth of one side cut off",
    "black border",
    "160 px, 64 colours, faster",
    _SMALLER,
    "mirrored, cropped, CRF 35",
    "recoloured",
)
_ALTERED = 7
"""Altered drawings of each machine, each by another of _ALTERATIONS."""


def main() -> None:
    kinds = [*MACHINES, _LINKAGE, _LINKAGE] * _OF_EACH_KIND
    with ProcessPoolExecutor() as processes:
        machines = np.array(list(processes.map(_drawings, range(len(kinds)), kinds, chunksize=2)))
    mean, directions = _discriminants(machines)
    PROJECTION.write_bytes(np.vstack([mean, directions]).astype("<f4").tobytes())


def _discriminants(machines: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the mean of the features, and VECTOR_NUMBERS directions as rows. `machines` is the number of machines x
    drawings of each x features."""
    middles = machines.mean(axis=1)
    values, vectors = np.linalg.eigh(_spread(machines - middles[:, None]))
    whitening = vectors / np.sqrt(values)
    gains, turns = np.linalg.eigh(np.cov((middles @ whitening).T))
    chosen = np.argsort(-gains)[:VECTOR_NUMBERS]
    directions = (whitening @ turns[:, chosen]) * np.sqrt(gains[chosen] / (1 + gains[chosen]))
    return middles.mean(axis=0), directions.T


def _spread(differences: np.ndarray) -> np.ndarray:
    """Returns the covariance of the differences between drawings of one machine."""
    count, drawings, numbers = differences.shape
    flat = differences.reshape(-1, numbers)
    spread = flat.T @ flat / (count * (drawings - 1))
    spread += _LEAST_SPREAD * spread.trace() / numbers * np.eye(numbers)
    return np.asarray(spread)


def _drawings(number: int, kind: str) -> np.ndarray:
    """Returns the features of one machine in each of its drawings."""
    return np.array([_features(clip, steps) for clip, steps in _clips_of(number, kind)])


def _clips_of(number: int, kind: str) -> Iterator[tuple[GreyPictures, float]]:
    """Yields drawings of one machine, and the pictures a period of each."""
    random = Random(_SEED + number)
    machine = _any_linkage(random) if kind == _LINKAGE else MACHINES[kind](random)
    scale = random.uniform(19, 28)
    for drawing in range(4):
        steps = random.uniform(24, 40)
        own = scale if drawing < 2 else scale * random.uniform(0.78, 1.0)
        look = replace(any_look(random), scale=own)
        yield grey_pictures(_turning(random, machine, look, steps), _STEP), steps
    look, steps = replace(any_look(random), scale=scale), random.uniform(26, 40)
    yield grey_pictures(_turning(random, machine, look, steps), _STEP), steps
    for name in random.sample(_ALTERATIONS, _ALTERED):
        steps = random.uniform(26, 40)
        pictures = _altered(random, machine, look, steps, name)
        yield grey_pictures(pictures, _STEP), steps / 2 if "faster" in name else steps


def _altered(random: Random, machine: Machine, look: Look, steps: float, name: str) -> Pictures:
    if name == _SMALLER:
        return _turning(random, machine, replace(look, scale=look.scale * 0.8), steps)
    pictures = _turning(random, machine, look, steps)
    if name == _NARROW:
        return [one.resize((240, 216)) for one in pictures]
    return CHANGES[name](random, pictures)


def _turning(random: Random, machine: Machine, look: Look, steps: float) -> Pictures:
    return drawn(machine, turning(random.uniform(1.2, 2.2), steps, random.random()), look)


def _features(clip: GreyPictures, steps: float) -> np.ndarray:
    inside, size = without_border(grid_of(clip).settled(), (clip.width, clip.height))
    return np.asarray(features(inside, steps, size), np.float32)


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a linkage, which hangs on the end of `parent`, or at `base` if that is -1. It turns `turns` times a
    period from its angle at rest, swings by `swing` radians and slides by `slide` `often` times a period."""

    parent: int
    turns: int
    swing: float
    phase: float
    rest: float
    length: float
    shape: str
    width: float
    base: Point
    slide: float
    often: int


def _any_part(random: Random, number: int) -> _Part:
    parent = random.randint(-1, number - 1) if number else -1
    turns = random.choice((0, 1, 1, -1, 2, -2, 3)) if random.random() < 0.5 else 0
    return _Part(
        parent=parent,
        turns=turns,
        swing=0.0 if turns else random.uniform(0.2, 1.2),
        phase=random.random(),
        rest=random.uniform(0, 2 * pi),
        length=random.uniform(0.7, 2.2),
        shape=random.choice(("bar", "bar", "disc", "plate")),
        width=random.uniform(0.15, 0.5),
        base=(random.uniform(-1.5, 1.5), random.uniform(-1.5, 1.5)),
        slide=random.uniform(0, 1) if random.random() < 0.3 else 0.0,
        often=random.choice((1, 1, 2)),
    )


def _any_linkage(random: Random) -> Machine:
    """Returns a machine of two to five parts of any shape, so that the directions also suit machines of kinds that are
    not drawn here."""
    parts = [_any_part(random, number) for number in range(random.randint(2, 5))]

    def draw(canvas: Canvas, part_of_cycle: float) -> None:
        ends: list[Point] = []
        angles: list[float] = []
        for number, part in enumerate(parts):
            swung = 2 * pi * (part_of_cycle * part.often + part.phase)
            angle = part.rest + 2 * pi * part.turns * part_of_cycle + part.swing * sin(swung)
            if part.parent >= 0 and number % 2:
                angle += angles[part.parent]
            x, y = part.base if part.parent < 0 else ends[part.parent]
            slid = part.slide * cos(swung)
            at = x + slid * cos(part.rest), y + slid * sin(part.rest)
            _draw_part(canvas, part, number, at, angle)
            ends.append(_from(at, part.length, angle))
            angles.append(angle)

    return draw


def _draw_part(canvas: Canvas, part: _Part, number: int, at: Point, angle: float) -> None:
    end, ink = _from(at, part.length, angle), number % 4
    if part.shape == "bar":
        canvas.bar([at, end], ink, part.width)
    elif part.shape == "disc":
        canvas.bar([at, end], ink, part.width * 0.6)
        canvas.disc(end, part.width * 1.3, (number + 1) % 4)
    else:
        sides = [_from(at, part.length, angle + aside) for aside in (-part.width, part.width)]
        canvas.plate([at, *sides], ink)


def _from(point: Point, length: float, angle: float) -> Point:
    return point[0] + length * cos(angle), point[1] + length * sin(angle)


if __name__ == "__main__":
    main()
