"""What every database promises of users and their credentials."""

from mechshare.testing.user_repository import *  # noqa: F403
