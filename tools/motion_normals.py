"""Writes the mean and the standard deviation of each number of a motion's vector, over drawn machines.

    python -m tools.motion_normals

Other values are another version of the analysis: raise `ANALYSIS` in `mechshare/domain/motion.py` with them.
"""

from random import Random

import numpy as np

from mechshare.adapters.motion.distances import distances_of, lag_curve
from mechshare.adapters.motion.grid import grid_of
from mechshare.adapters.motion.vector import NORMALS, raw_vector
from mechshare.testing.drawn_motion import MACHINES, SIZE, any_look, drawn, grey_pictures, turning

_SEED = 20_260
_OF_EACH = 40
_LEAST_DEVIATION = 0.005
"""A number that varies less is not made larger than it is, since it would be mostly noise."""


def main() -> None:
    random = Random(_SEED)
    vectors = np.array([_vector(random, name) for name in MACHINES for _ in range(_OF_EACH)])
    deviation = np.maximum(vectors.std(axis=0), _LEAST_DEVIATION)
    NORMALS.write_bytes(np.stack([vectors.mean(axis=0), deviation]).astype("<f4").tobytes())


def _vector(random: Random, name: str) -> np.ndarray:
    steps = random.uniform(24, 50)
    pictures = drawn(MACHINES[name](random), turning(1.5, steps, random.random()), any_look(random))
    grid = grid_of(grey_pictures(pictures, 0.04))
    distances = distances_of(grid.pictures)
    curve, mean = lag_curve(distances.all), distances.mean
    return np.asarray(raw_vector(grid.pictures, curve.mean / mean, distances.steps / mean, steps, SIZE))


if __name__ == "__main__":
    main()
