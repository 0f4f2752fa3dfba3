"""An installation in the memory of one process, for test suites of programs that use the API."""

import secrets
from pathlib import Path

from mechshare.adapters.media.stub import StubMediaProcessor
from mechshare.adapters.passwords.fast import FastPasswordHasher
from mechshare.application import Application
from mechshare.bootstrap.adapters import choose_adapters
from mechshare.bootstrap.application import Observer, build
from mechshare.settings import Settings
from mechshare.testing.derivation import PlaceholderDerivation


def memory_application(observer: Observer) -> Application:
    """Builds an empty application that writes nothing to disk, with placeholder derivatives and fast hashes.

    It reads nothing from the environment and has no rate limits.
    """
    settings = Settings(
        data=Path("mechshare-data"),  # never created
        database_url="memory:",
        blobs_url="memory:",
        search_url="memory:",
        jobs_url="memory:",
        secret=(secrets.token_bytes(32),),
        requests_per_minute=0,
    )
    adapters = choose_adapters(settings, media=StubMediaProcessor(), passwords=FastPasswordHasher())
    return build(settings, observer, adapters, PlaceholderDerivation(adapters.blobs))
