"""How long a suite waits for an adapter: what never comes fails the case instead of holding it up."""

import asyncio

MAX_WAIT = 30.0
"""Seconds. What a suite waits for takes milliseconds; this is for machines that are slow and busy."""


def bounded() -> asyncio.Timeout:
    """What is awaited inside raises TimeoutError once MAX_WAIT has passed."""
    return asyncio.timeout(MAX_WAIT)
