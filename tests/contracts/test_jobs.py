"""What every doorbell promises."""

from mechshare.testing.jobs import *  # noqa: F403
