"""The sliding-window counter: two numbers for each caller, however often it calls.

The uses in the window before the present one are taken as spread evenly over it, and count for the part of it that lies
less than a window's length back. So a window that begins with the clock never has more than the quota, nor does steady
use. A burst at the end of one window and another at the end of the next can come to less than twice the quota in a
stretch of the same length.
"""

import math

from mechshare.domain.rate_limits import Quota, Verdict

ROUNDING = 1e-9


def allows_another(quota: Quota, before: int, present: int, elapsed: float) -> bool:
    """Whether one more use is within the quota, `elapsed` seconds after the present window began."""
    return present + before * (1 - elapsed / quota.seconds) <= quota.amount - 1 + ROUNDING


def verdict(quota: Quota, before: int, present: int, elapsed: float, *, allowed: bool) -> Verdict:
    """On a use that was `allowed`, and is among the `present` ones, or refused."""
    weighted = present + before * (1 - elapsed / quota.seconds)
    windows = 2 if present else 1
    return Verdict(
        allowed=allowed,
        remaining=max(0, int(quota.amount - weighted + ROUNDING)),
        reset_after=math.ceil(windows * quota.seconds - elapsed),
        retry_after=0 if allowed else _retry_after(quota, before, present, elapsed),
    )


def _retry_after(quota: Quota, before: int, present: int, elapsed: float) -> int:
    """Seconds until enough uses lie back far enough; the present ones do so after their window has ended."""
    if present < quota.amount:
        fraction = 1 - (quota.amount - 1 - present) / max(1, before)
        return max(1, math.ceil(fraction * quota.seconds - elapsed))
    fraction = 1 - (quota.amount - 1) / present
    return max(1, math.ceil((1 + fraction) * quota.seconds - elapsed))
