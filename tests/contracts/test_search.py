"""What every search index promises (mechshare.ports.search)."""

from mechshare.testing.search import *  # noqa: F403
