"""The sliding-window counter: two numbers for each caller, however often it calls.

The counter assumes that the uses in the previous window are evenly distributed over it: they count in proportion to
the part of that window that is less than one window's length ago. A window aligned with the clock therefore never has
more uses than the quota, and neither does any window under steady use. A burst at the end of one window and another at
the end of the next can add up to almost twice the quota within one window's length.
"""

import math

from mechshare.domain.rate_limits import Quota, Verdict

ROUNDING = 1e-9


def uses_left(quota: Quota, previous: int, current: int, elapsed: float) -> float:
    """Returns how many uses of the quota are left, `elapsed` seconds after the current window began."""
    return quota.amount - current - previous * (1 - elapsed / quota.seconds)


def verdict(quota: Quota, previous: int, current: int, elapsed: float, *, allowed: bool) -> Verdict:
    """Returns the verdict on a use that was `allowed` (then it is among the `current` ones) or refused."""
    seconds = quota.seconds
    left = max(0, int(uses_left(quota, previous, current, elapsed) + ROUNDING))
    reset_after = math.ceil((2 * seconds if current else seconds) - elapsed)
    retry_after = 0 if allowed else _retry_after(quota, previous, current, elapsed)
    return Verdict(allowed, left, reset_after, retry_after)


def _retry_after(quota: Quota, previous: int, current: int, elapsed: float) -> int:
    """Returns the seconds until one more use is allowed; current uses count fully until their window ends."""
    if current < quota.amount:
        fraction = 1 - (quota.amount - 1 - current) / max(1, previous)
        return max(1, math.ceil(fraction * quota.seconds - elapsed))
    fraction = 1 - (quota.amount - 1) / current
    return max(1, math.ceil((1 + fraction) * quota.seconds - elapsed))
