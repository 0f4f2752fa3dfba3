"""Bounds the waits of contract suites, so that a test fails instead of hanging."""

import asyncio

MAX_WAIT = 30.0
"""Seconds. Adapters need milliseconds; the margin is for slow and busy machines."""


def bounded() -> asyncio.Timeout:
    """Returns a context that raises TimeoutError after MAX_WAIT."""
    return asyncio.timeout(MAX_WAIT)
