"""What every search index promises (mechshare.ports.search)."""

from mechshare.testing.search.contract import *  # noqa: F403
