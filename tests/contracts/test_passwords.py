"""What every password hasher promises."""

from mechshare.testing.passwords import *  # noqa: F403
