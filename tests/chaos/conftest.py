"""Each program prints one line with its figure. The short form runs with all tests, the long one by `nox -s chaos`."""

import pytest

PROFILES = ("embedded", "distributed")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "short_form_on(profile): the short form takes this profile alone")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Runs each program that takes `profile` in all profiles; the short form of some in one."""
    if "profile" not in metafunc.fixturenames:
        return
    only = metafunc.definition.get_closest_marker("short_form_on")
    is_short = not metafunc.config.getoption("--long")
    metafunc.parametrize("profile", only.args if only and is_short else PROFILES)
