"""What every database promises of jobs."""

from mechshare.testing.persistence.jobs import *  # noqa: F403
