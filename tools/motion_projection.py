"""Writes the directions into which the features of a motion are projected to become its vector.

    python -m tools.motion_projection

It draws machines, each several times in other colours and places, once with damage and once stretched, and takes the
directions in which machines differ most beside the differences between drawings of one machine (linear discriminant
analysis). This takes some minutes. Other directions are another version of the analysis: raise `ANALYSIS` in
`mechshare/domain/motion.py` with them.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from random import Random

import numpy as np
from PIL import Image, ImageOps

from mechshare.adapters.motion.border import without_border
from mechshare.adapters.motion.distances import distances_of, lag_curve
from mechshare.adapters.motion.grid import grid_of
from mechshare.adapters.motion.vector import PROJECTION, features
from mechshare.domain.motion import VECTOR_NUMBERS
from mechshare.testing.drawn_motion import (
    MACHINES,
    Look,
    Machine,
    any_look,
    drawn,
    grey_pictures,
    turning,
)

_SEED = 20_260_000
_OF_EACH_KIND = 42
_STEP = 0.04
_LEAST_SPREAD = 0.01
"""As a part of the mean variance between drawings of one machine: features that hardly varied there may elsewhere."""
_WEIGHTS = (1.0, 1.0, 1.0, 0.3, 0.3)
"""Of the drawings of one machine: three in other colours, one with damage, one stretched. A larger weight of damage
finds more copies with noise, but fewer in other colours."""
_COLOURED = 3
"""Drawings from whose mean the others are measured."""
_STRETCHED = ((288, 180), (240, 216))
"""Sizes in px, of pictures of 240 x 180 px."""
Pictures = list[Image.Image]


def main() -> None:
    kinds = [*MACHINES] * _OF_EACH_KIND
    with ProcessPoolExecutor() as processes:
        machines = np.array(list(processes.map(_drawings, range(len(kinds)), kinds, chunksize=4)))
    mean, directions = _discriminants(machines)
    PROJECTION.write_bytes(np.vstack([mean, directions]).astype("<f4").tobytes())


def _discriminants(machines: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the mean of the features, and VECTOR_NUMBERS directions as rows. `machines` is the number of machines x
    drawings of each x features, in the order of _WEIGHTS."""
    middles = machines[:, :_COLOURED].mean(axis=1)
    values, vectors = np.linalg.eigh(_spread(machines - middles[:, None]))
    whitening = vectors / np.sqrt(values)
    gains, turns = np.linalg.eigh(np.cov((middles @ whitening).T))
    chosen = np.argsort(-gains)[:VECTOR_NUMBERS]
    directions = (whitening @ turns[:, chosen]) * np.sqrt(gains[chosen] / (1 + gains[chosen]))
    return machines[:, 0].mean(axis=0), directions.T


def _spread(differences: np.ndarray) -> np.ndarray:
    """Returns the covariance of the differences between drawings of one machine."""
    weights = np.array(_WEIGHTS)
    flat = (differences * np.sqrt(weights)[:, None]).reshape(-1, differences.shape[2])
    spread = flat.T @ flat / (len(differences) * (weights.sum() - 1))
    spread += _LEAST_SPREAD * spread.trace() / len(spread) * np.eye(len(spread))
    return np.asarray(spread)


def _drawings(number: int, kind: str) -> np.ndarray:
    """Returns the features of one machine in each of its drawings."""
    random = Random(_SEED + number)
    machine = MACHINES[kind](random)
    look = replace(any_look(random), scale=random.uniform(18, 27))
    steps, others = random.uniform(24, 36), random.uniform(24, 36)
    recoloured = [replace(any_look(random), scale=look.scale) for _ in range(2)]
    damage = random.choice(_DAMAGES)
    unchanged = _turning(random, machine, look, others)
    stretched = [one.resize(_STRETCHED[number % 2]) for one in unchanged]
    return np.array(
        [
            _features(_turning(random, machine, look, steps), steps),
            _features(_turning(random, machine, recoloured[0], steps), steps),
            _features(_turning(random, machine, recoloured[1], others), others),
            _features(damage(random, unchanged), others),
            _features(stretched, others),
        ]
    )


def _turning(random: Random, machine: Machine, look: Look, steps: float) -> Pictures:
    return drawn(machine, turning(1.2, steps, random.random()), look)


def _noisy(random: Random, pictures: Pictures) -> Pictures:
    noise = np.random.default_rng(random.randrange(10**6))
    return [
        Image.fromarray(
            np.clip(np.asarray(one) + noise.normal(0, 8, (*one.size[::-1], 1)), 0, 255).astype(np.uint8)
        )
        for one in pictures
    ]


def _smaller(random: Random, pictures: Pictures) -> Pictures:
    """Returns the pictures a fifth smaller, on their own background."""
    width, height = pictures[0].size
    small = [one.resize((round(width * 0.8), round(height * 0.8)), Image.Resampling.BOX) for one in pictures]
    edges = (width - small[0].width) // 2, (height - small[0].height) // 2
    return [ImageOps.expand(one, edges, tuple(np.asarray(one)[0, 0].tolist())) for one in small]


_DAMAGES: Sequence[Callable[[Random, Pictures], Pictures]] = (
    _noisy,
    _smaller,
    lambda random, pictures: [ImageOps.expand(one, 20, "black") for one in pictures],
    lambda random, pictures: [ImageOps.invert(one) for one in pictures],
    lambda random, pictures: [ImageOps.crop(one, 8) for one in pictures],
    lambda random, pictures: [one.quantize(64).convert("RGB") for one in pictures],
)


def _features(pictures: Pictures, steps: float) -> np.ndarray:
    grid = grid_of(grey_pictures(pictures, _STEP))
    distances = distances_of(grid.pictures)
    curve, mean = lag_curve(distances.all), distances.mean
    inside, size = without_border(grid.pictures, pictures[0].size)
    found = features(inside, curve.mean / mean, distances.steps / mean, steps, size)
    return np.asarray(found)


if __name__ == "__main__":
    main()
