"""What every database promises of sessions and refresh tokens."""

from mechshare.testing.session_repository import *  # noqa: F403
