"""What every clock promises."""

from mechshare.testing.clock import *  # noqa: F403
