"""What every database promises of mechanisms."""

from mechshare.testing.mechanism_repository import *  # noqa: F403
