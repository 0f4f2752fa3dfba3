"""What holds for every test."""

import os
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

pytest.register_assert_rewrite("mechshare.testing")
settings.register_profile("mechshare", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("mechshare")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where TESTS_REQUIRE is set, a skipped test is a failure: what it needs was promised to be there."""
    report = yield
    if report.skipped and os.environ.get("TESTS_REQUIRE"):
        report.outcome = "failed"
        report.longrepr = f"skipped, but everything is required here: {report.longrepr}"
    return report
