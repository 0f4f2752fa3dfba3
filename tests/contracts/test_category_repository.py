"""What every database promises of categories."""

from mechshare.testing.category_repository import *  # noqa: F403
