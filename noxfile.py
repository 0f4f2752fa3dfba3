"""The project's chores: `pip install nox && nox -s demo`, `pip install nox && nox -s tests`."""

import json
import os
import tarfile
from pathlib import Path

import nox
from nox.command import CommandFailed

nox.needs_version = ">=2025.5.1"
nox.options.sessions = ["tests"]
nox.options.reuse_existing_virtualenvs = True

ADAPTERS = "[postgres,redis,azure,s3,opensearch]"
SLOWEST = "--durations=25"
LONG = (
    "tests/adapters/media/test_hostile_media.py",
    "tests/adapters/media/test_long_clips.py",
    "tests/attacks",
    "tests/chaos",
    "tests/contracts/test_refresh.py",
    "tests/domain/test_parity.py",
    "tests/http/test_hostile_input.py",
    "tests/http/test_response_cache.py",
    "tests/journeys/test_resumable_uploads.py",
)
"""Tests that have a long form."""
SERIAL = ("tests/attacks", "tests/chaos")
"""Folders of all serial tests (tests/conftest.py): collecting the others takes longer than some of these."""
LAST_FAILED = Path(".pytest_cache/v/cache/lastfailed")
FEW = 3
"""Tests that may fail beside others and pass alone, without failing the session."""
PACKAGES = ("src/mechshare", "bench", "servers", "tools")
CODE = ("src", "tests", "bench", "servers", "tools", "examples", "noxfile.py")


def install(session: nox.Session, *groups: str, extras: str = "") -> None:
    """Installs the project, editable, with extras and dependency groups, at the pinned versions."""
    wanted = [f"--group={group}" for group in groups]
    session.install("--upgrade", "pip>=25.1")
    session.install("--constraint=constraints.txt", f"--editable=.{extras}", *wanted)


@nox.session
def demo(session: nox.Session) -> None:
    """Show the whole product on this machine, then serve; `-- --exit` exits instead, `-- FOLDER` takes your clips.

    `-- --profile distributed` starts the real servers for it first, where MECHSHARE_DATABASE_URL names none.
    """
    command = ["mechshare", "demo", *session.posargs]
    if "distributed" in session.posargs:
        install(session, extras=ADAPTERS)
        if "MECHSHARE_DATABASE_URL" not in os.environ:
            command = ["python", "-m", "servers", "--deploy", "--", *command]
    else:
        install(session)
    session.run(*command)


@nox.session
def tests(session: nox.Session) -> None:
    """Check style, types and import rules, and run every test; with `-- ARGUMENTS` run pytest with these alone."""
    install(session, "tests", "checks", "bench", extras=ADAPTERS)
    if session.posargs:
        session.run("pytest", *session.posargs)
        return
    check_style(session)
    check_types(session)
    check_web(session)
    # Hundreds of processes import the sources: only the first one compiles them, whatever the environment says.
    session.env["PYTHONDONTWRITEBYTECODE"] = ""
    # First the tests that can run beside others, then those that load a server or require responses within seconds.
    # Four keep two cores busy, since many tests wait for leases and for processes that start; of the latter two do.
    # tests/conftest.py puts the slow files first, so that none runs on when the other processes have ended.
    spread = ("--dist", "loadfile", "--no-loadscope-reorder")
    run_tests(session, "-m", "not serial", "-n", "4", *spread, SLOWEST)
    run_tests(session, *SERIAL, "-m", "serial", "-n", "2", *spread, SLOWEST)


def run_tests(session: nox.Session, *arguments: str) -> None:
    """Runs pytest. A few tests that fail run once more, alone: a machine that is too busy delays what they wait for.

    Both outcomes are printed: a test that often needs a second run has a fault.
    """
    LAST_FAILED.unlink(missing_ok=True)
    try:
        session.run("pytest", *arguments)
    except CommandFailed:
        failed = json.loads(LAST_FAILED.read_text()) if LAST_FAILED.exists() else {}
        if not 0 < len(failed) <= FEW:
            raise
        session.warn(f"Failed beside other tests, and run again alone: {', '.join(failed)}")
        session.run("pytest", "--last-failed", "--last-failed-no-failures=none")


@nox.session
def chaos(session: nox.Session) -> None:
    """Kill, suspend, flush and fill everything, and test every slow property at length; an hour or two."""
    install(session, "tests", extras=ADAPTERS)
    endless = ("-o", "faulthandler_timeout=0")
    session.run("pytest", *LONG, "--long", *endless, SLOWEST, *session.posargs)


@nox.session
def services(session: nox.Session) -> None:
    """Run the real servers until Ctrl-C and print their URLs; `-- -- COMMAND` runs them for a command."""
    session.run("python", "-m", "servers", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and import rules."""
    install(session, "checks")
    check_style(session)
    session.run("lint-imports")


@nox.session
def types(session: nox.Session) -> None:
    """Check types, strictly."""
    install(session, "checks", "bench", extras=ADAPTERS)
    check_types(session)


@nox.session
def web(session: nox.Session) -> None:
    """Build the scripts and styles of the pages, and bring the catalogues of their texts up to date."""
    install(session, "tests")
    npm(session, "ci")
    npm(session, "run", "build")
    session.run("python", "-m", "tools.page_texts")


@nox.session
def screenshots(session: nox.Session) -> None:
    """Take the pictures of the pages for README and docs from a demonstration; needs Chromium."""
    install(session, "tests")
    session.run("python", "-m", "tools.screenshots")


@nox.session
def lighthouse(session: nox.Session) -> None:
    """Rate the home page and a watch page by Lighthouse; needs Chromium."""
    install(session, "tests")
    session.run("npm", "--prefix", "web/lighthouse", "ci")
    session.run("python", "-m", "tools.lighthouse")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the site in docs/_build; a warning, such as a broken link, is an error."""
    install_tools(session, "docs")
    session.run("sphinx-build", "-W", "--keep-going", "-b", "html", "docs", "docs/_build", *session.posargs)


@nox.session
def build(session: nox.Session) -> None:
    """Build sdist and wheel in dist/, check them, and run the demonstration from the wheel without the checkout."""
    install_tools(session, "build")
    session.run("python", "-m", "build", "--outdir", "dist")
    sdist, wheel = newest("dist/*.tar.gz"), newest("dist/*.whl")
    session.run("twine", "check", "--strict", str(sdist), str(wheel))
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    if missing := {"LICENSE", "docs/index.md", "tests/conftest.py", "constraints.txt"} - names:
        session.error(f"the sdist lacks {', '.join(sorted(missing))}")
    run_wheel(session, wheel)


def run_wheel(session: nox.Session, wheel: Path) -> None:
    bare = Path(session.create_tmp()) / "bare"
    session.run("python", "-m", "venv", "--clear", str(bare))
    constraint = f"--constraint={Path('constraints.txt').absolute()}"
    session.run(str(bare / "bin/pip"), "install", "--quiet", constraint, str(wheel), external=True)
    with session.chdir(bare):
        session.run("bin/mechshare", "demo", "--exit", external=True)


def newest(pattern: str) -> Path:
    return max(Path().glob(pattern), key=lambda path: path.stat().st_mtime).absolute()


def install_tools(session: nox.Session, group: str) -> None:
    """Installs a dependency group without the project."""
    session.install("--upgrade", "pip>=25.1")
    session.install("--constraint=constraints.txt", f"--group={group}")


@nox.session
def bench(session: nox.Session) -> None:
    """Measure what mechshare costs, as ratios to the least possible; needs wrk. `-- --help` lists the options."""
    install(session, "bench", extras=ADAPTERS)
    session.run("python", "-m", "bench", *session.posargs)


def check_style(session: nox.Session) -> None:
    session.run("ruff", "check", *CODE)
    session.run("ruff", "format", "--check", *CODE)


def check_types(session: nox.Session) -> None:
    session.run("mypy", *PACKAGES)


def check_web(session: nox.Session) -> None:
    """Checks types and style of the scripts of the pages, and that the built files are those that the sources give."""
    npm(session, "ci")
    npm(session, "run", "check")


def npm(session: nox.Session, *arguments: str) -> None:
    """Runs npm of the Node that pip has installed, so that no other Node is needed."""
    session.run("npm", "--prefix", "web", *arguments)
