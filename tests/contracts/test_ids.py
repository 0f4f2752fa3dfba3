"""What every source of identifiers promises."""

from mechshare.testing.ids import *  # noqa: F403
