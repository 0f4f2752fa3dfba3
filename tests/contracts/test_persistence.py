"""What every database promises of its transactions."""

from mechshare.testing.persistence.database import *  # noqa: F403
