"""What every database promises of its transactions."""

from mechshare.testing.persistence import *  # noqa: F403
