"""The former release works on the schema of this one, so that both can serve during an upgrade.

A migration that the former release can't live with belongs into a later release: first expand, then contract.
"""

import asyncio
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from tools.former_release import ARCHIVE

from mechshare.adapters.persistence.sql.database import SqlDatabase
from tests.servers import postgresql_database

_PYTEST = ("-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "--import-mode=importlib")
_PLUGINS = ("-p", "pytest_asyncio.plugin", "-p", "_hypothesis_pytestplugin", "-p", "pytest_timeout")
"""What the suite needs. Plugins are not found by themselves, since one is of mechshare, as it is installed now."""
_OPTIONS = ("-o", "asyncio_mode=auto", "-o", "asyncio_default_fixture_loop_scope=function")
_FIXTURE = '''
import os, shutil
import pytest
from mechshare.adapters.persistence.sql.database import SqlDatabase

@pytest.fixture
async def database(tmp_path):
    url = os.environ["MIGRATED"]
    if url.startswith("postgresql:"):
        raise_timeouts()
    else:
        shutil.copyfile(url.removeprefix("sqlite:///"), tmp_path / "mechshare.db")
        url = f"sqlite:///{tmp_path / 'mechshare.db'}"
    database = SqlDatabase(url)
    await empty(database)
    yield database
    await database.close()

def raise_timeouts():
    """Waits 20 s for PostgreSQL: a busy machine holds it back, which is no outage."""
    from mechshare.adapters.persistence.sql.dialects import postgresql

    for name in ("_CONNECT_TIMEOUT", "_POOL_TIMEOUT", "_STATEMENT_TIMEOUT", "_CUT_AFTER"):
        setattr(postgresql, name, 20)
    postgresql._LOCK_TIMEOUT_MS = 15_000

async def empty(database):
    """Empties PostgreSQL, which the tests share."""
    if os.environ["MIGRATED"].startswith("sqlite"):
        return
    from sqlalchemy import text
    from mechshare.adapters.persistence.sql.schema import metadata
    deletions = [f"DELETE FROM {table.name}" for table in reversed(metadata.sorted_tables)]
    async with database._dialect.writer.begin() as connection:
        await connection.execute(text("; ".join(deletions)))
'''


@pytest.fixture(scope="module")
def former_suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Unpacks the former release; returns the folder with its contract suite of databases."""
    folder = tmp_path_factory.mktemp("former")
    with zipfile.ZipFile(ARCHIVE) as packed:
        packed.extractall(folder)
    suite = folder / "suite"
    suite.mkdir()
    (suite / "conftest.py").write_text(_FIXTURE)
    modules = sorted(path.stem for path in (folder / "mechshare/testing/persistence").glob("*.py"))
    imports = [f"from mechshare.testing.persistence.{stem} import *" for stem in modules if stem[0] != "_"]
    (suite / "test_former.py").write_text("\n".join(imports) + "\n")
    return suite


@pytest.fixture
def run_former(former_suite: Path) -> Callable[[str], "subprocess.CompletedProcess[str]"]:
    """Runs the suite with the former release's code on the migrated database at a URL."""

    def run(url: str) -> "subprocess.CompletedProcess[str]":
        environ = {
            **os.environ,
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTHONPATH": str(former_suite.parent),
            "MIGRATED": url,
        }
        command = [
            sys.executable,
            *_PYTEST,
            *_PLUGINS,
            *_OPTIONS,
            f"--rootdir={former_suite}",
            str(former_suite),
        ]
        return subprocess.run(
            command, cwd=former_suite, env=environ, capture_output=True, text=True, timeout=600, check=False
        )

    return run


@pytest.mark.timeout(600)
def test_the_former_release_works_on_the_new_schema_of_sqlite(run_former, tmp_path):
    url = f"sqlite:///{tmp_path / 'new.db'}"
    asyncio.run(migrate(url))
    ran = run_former(url)
    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-1000:]


@pytest.mark.timeout(600)
async def test_the_former_release_works_on_the_new_schema_of_postgresql(run_former):
    async with postgresql_database() as url:
        ran = await asyncio.to_thread(run_former, url)
    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-1000:]


async def migrate(url: str) -> None:
    database = SqlDatabase(url)
    await database.migrate()
    await database.close()
