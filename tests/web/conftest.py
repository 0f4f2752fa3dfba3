"""The pages over adapters in memory, as a browser opens them."""

from tests.http.conftest import open_site, site

__all__ = ["open_site", "site"]
