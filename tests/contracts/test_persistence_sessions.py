"""What every database promises of sessions and refresh tokens."""

from mechshare.testing.persistence.sessions import *  # noqa: F403
