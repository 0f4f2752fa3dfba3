"""What every blob store promises."""

from mechshare.testing.blobs import *  # noqa: F403
