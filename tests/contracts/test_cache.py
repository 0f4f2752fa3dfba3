"""What every cache promises."""

from mechshare.testing.cache import *  # noqa: F403
