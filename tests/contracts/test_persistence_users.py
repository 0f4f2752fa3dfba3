"""What every database promises of users and their credentials."""

from mechshare.testing.persistence.users import *  # noqa: F403
