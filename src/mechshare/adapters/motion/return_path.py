"""Whether a motion returns the way it came, as a wiper does and a wheel does not."""

import numpy as np

from mechshare.adapters.motion.arrays import Floats

_SAME_WAY = 0.15
"""How different the pictures before and after a turning point may be, where 1 is any two pictures."""


def returns_the_way_it_came(distances: Floats, period: float, *, is_closed: bool) -> bool | None:
    """Returns whether the pictures before some moment are those after it, in reverse, for half a period to each side;
    None if the clip has too few periods to show it."""
    count, half = len(distances), max(1, round(period / 2))
    moments = np.arange(2 * count) if is_closed else np.arange(2 * half, 2 * (count - 1 - half) + 1)
    if len(moments) < 2 * half:
        return None
    least = min(_difference_around(distances, int(moment), half) for moment in moments)
    return least <= _SAME_WAY * float(distances.mean())


def _difference_around(distances: Floats, moment: int, half: int) -> float:
    """Returns the mean distance of the pictures before and after `moment`, which is in half steps."""
    away = np.arange(half + 1)
    before, after = moment // 2 - away, (moment + 1) // 2 + away
    return float(distances[before % len(distances), after % len(distances)].mean())
