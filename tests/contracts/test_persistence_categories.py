"""What every database promises of categories."""

from mechshare.testing.persistence.categories import *  # noqa: F403
