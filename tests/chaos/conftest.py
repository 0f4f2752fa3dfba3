"""Each program ends in one line with its figure; the short form runs with all tests, the long one by `nox -s chaos`."""

from collections.abc import Callable

import pytest


@pytest.fixture(params=["embedded", "distributed"])
def profile(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


@pytest.fixture
def long(request: pytest.FixtureRequest) -> bool:
    """Whether the long form was asked for."""
    return bool(request.config.getoption("--long"))


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Tells the program's figure; it stands at the end of pytest's report."""
    return lambda line: request.node.user_properties.append(("figure", line))
