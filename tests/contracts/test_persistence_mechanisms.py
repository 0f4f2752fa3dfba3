"""What every database promises of mechanisms."""

from mechshare.testing.persistence.mechanisms import *  # noqa: F403
