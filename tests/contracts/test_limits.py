"""What every rate limiter promises."""

from mechshare.testing.limits import *  # noqa: F403
