"""What every rate limiter promises."""

from mechshare.testing.rate_limits import *  # noqa: F403
