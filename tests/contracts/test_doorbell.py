"""What every doorbell promises."""

from mechshare.testing.doorbell import *  # noqa: F403
