"""Where the real servers are that tests may use."""

import os

import pytest


def address(name: str) -> str:
    """The value of TEST_{name}; without it, the test is skipped."""
    value = os.environ.get(f"TEST_{name}")
    if not value:
        pytest.skip(
            f"TEST_{name} is not set: start the servers with 'nox -s services' and export what it prints"
        )
    return value
