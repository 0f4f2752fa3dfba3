"""Options, fixtures and reports for all tests."""

import gc
import os
import signal
from collections import Counter
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

pytest.register_assert_rewrite("mechshare.testing")
settings.register_profile("mechshare", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("mechshare")
TESTS = Path(__file__).parent
PROGRAMS = ("attacks", "chaos", "examples", "journeys")
"""Folders whose tests start whole installations and may take minutes; they come first."""
SERIAL = ("attacks", "chaos/test_degradation.py", "chaos/test_shutdown.py")
"""Folders and modules that need most of the machine: they load a server, or require a response within seconds. At most
two run at a time."""
NOT_SERIAL = (
    "attacks/test_hostile_text.py",
    "attacks/test_processes.py",
    "attacks/test_processes_without_database.py",
)
"""Modules in these folders that measure their own processor time alone, or kill processes without load."""
MAX_PROGRAM_SECONDS = 900


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--long", action="store_true", help="every program and property in its long form; an hour or two"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Registers the Hypothesis profiles. `costly` is for properties whose examples take up to seconds.

    Programs that tests start inherit what is ignored here: after `nohup`, SIGHUP, which some of them must not ignore.
    """
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda number, frame: None)
    settings.register_profile("costly", max_examples=15 if config.getoption("--long") else 3)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not place_of(item).startswith(PROGRAMS))
    for item in items:
        for mark in item.iter_markers("contract"):
            item.user_properties.append(("contract", mark.args))
        place = place_of(item)
        if place.startswith(PROGRAMS):
            item.add_marker(pytest.mark.timeout(MAX_PROGRAM_SECONDS))
        if place.startswith(SERIAL) and place not in NOT_SERIAL:
            item.add_marker(pytest.mark.serial)
        if config.getoption("--long"):
            item.add_marker(pytest.mark.timeout(0), append=False)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Lets the garbage collector leave out what exists before the first test: going through it takes a large part of a
    second, beyond the processor time that one search may use."""
    gc.collect()
    gc.freeze()


def place_of(item: pytest.Item) -> str:
    return item.path.relative_to(TESTS).as_posix()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With TESTS_REQUIRE set, reports a skipped test as failed: the environment must provide what tests need."""
    report = yield
    if report.skipped and os.environ.get("TESTS_REQUIRE"):
        report.outcome = "failed"
        report.longrepr = f"skipped, but everything is required here: {report.longrepr}"
    return report


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown() -> None:
    """Fails a test that made this process a real-time one: its children would starve the machine, and the kernel."""
    if hasattr(os, "sched_getscheduler") and os.sched_getscheduler(0) != os.SCHED_OTHER:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        pytest.fail("the test made this process a real-time one (SCHED_FIFO or the like)")


@pytest.fixture
def long(request: pytest.FixtureRequest) -> bool:
    """Returns whether the run requests the long form of tests."""
    return bool(request.config.getoption("--long"))


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Returns a function that adds a figure of a fault-injecting program to the end of pytest's report."""
    return lambda line: request.node.user_properties.append(("figure", line))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    print_contracts(terminalreporter)
    print_figures(terminalreporter)


def print_figures(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints the figures of the fault-injecting programs."""
    reports = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    figures = [
        (report.nodeid.rpartition("/")[2], value)
        for report in reports
        for name, value in report.user_properties
        if name == "figure" and report.when == "call"
    ]
    if figures:
        terminalreporter.section("figures")
    for where, line in figures:
        terminalreporter.write_line(f"{where}: {line}")


def print_contracts(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints how many contract cases each adapter of each port passed."""
    cases: Counter[tuple[str, str, str]] = Counter()
    for outcome in ("passed", "failed", "skipped"):
        for report in terminalreporter.getreports(outcome):
            figures = dict(report.user_properties)
            if "contract" in figures and (report.when == "call" or outcome == "skipped"):
                cases[(*figures["contract"], outcome)] += 1
    if not cases:
        return
    terminalreporter.section("contracts")
    for port, adapter in sorted({key[:2] for key in cases}):
        counts = (f"{cases[port, adapter, one]:5} {one}" for one in ("passed", "failed", "skipped"))
        terminalreporter.write_line(f"{port:12} {adapter:16}" + "".join(counts))
