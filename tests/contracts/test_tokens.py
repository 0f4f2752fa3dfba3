"""What every token issuer promises."""

from mechshare.testing.tokens import *  # noqa: F403
