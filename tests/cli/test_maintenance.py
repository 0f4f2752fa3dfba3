"""`mechshare migrate`, `reindex`, `doctor`, and the command itself"""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from click.testing import CliRunner
from sqlalchemy import select

from mechshare import settings
from mechshare.adapters.persistence.sql.schema import metadata
from mechshare.domain.categories import FIRST_CATEGORIES
from mechshare.domain.damage import DatabaseDamaged
from mechshare.entrypoints.cli import python_build
from mechshare.entrypoints.cli.main import cli
from mechshare.entrypoints.masking import masked
from mechshare.settings import Settings
from tests.adapters.persistence.filling import connected
from tests.adapters.persistence.test_damage import damage_users
from tests.cli.conftest import Run
from tests.servers import address, new_container, postgresql_database


def test_migrating_is_idempotent(run: Run) -> None:
    assert run("migrate").output == run("migrate").output


def problems_in(report: str) -> set[str]:
    """Returns the names of the lines with problems. `python` has one wherever Python was not built for speed."""
    return {line.split()[1] for line in report.splitlines() if line.startswith("!!")}


def test_the_doctor_finds_no_problem_in_a_migrated_installation(run: Run) -> None:
    run("migrate")
    result = run("doctor")
    assert result.exit_code == 0, result.output
    assert problems_in(result.output) <= {"python"}


def test_the_doctor_says_how_python_was_built_and_what_to_use_instead(run: Run) -> None:
    mark = "!!" if python_build.advice() else "ok"
    assert f"{mark}  python     {python_build.description()}\n" in run("doctor").output


def test_the_doctor_says_what_to_do_before_the_first_migration(run: Run) -> None:
    result = run("doctor")
    assert result.exit_code == 1
    assert "mechshare migrate" in " ".join(result.output.split())


def test_the_doctor_finds_an_outdated_index(run: Run, chosen: Settings, clips: Path) -> None:
    run("users", "create-admin", "admin", "admin@example.com", typed="correct horse\ncorrect horse\n")
    run("import", clips / "slider_crank.gif", "--as", "admin", "--publish")
    (chosen.data / "search.db").unlink()

    behind = run("doctor")
    run("reindex")
    after = run("doctor")

    assert behind.exit_code == 0
    assert "the index holds 0 published mechanisms, the database 1" in behind.output
    assert "mechshare reindex" in behind.output
    assert "the index holds 1 published mechanisms, the database 1" in after.output
    assert "mechshare reindex" not in after.output


def test_the_doctor_names_failed_dependencies_without_passwords(tmp_path: Path) -> None:
    ended = mechshare(
        "doctor",
        MECHSHARE_DATA=str(tmp_path / "data"),
        MECHSHARE_DATABASE_URL="postgresql://mechshare:hush@127.0.0.1:1/x",
        MECHSHARE_LIMITS_URL="redis://:hush@127.0.0.1:1/0",
        MECHSHARE_BLOBS_URL="file:///dev/null/blobs",
    )
    printed = ended.stdout
    assert ended.returncode == 1
    assert "!!  database   postgresql://mechshare:***@127.0.0.1:1/x - does not respond (" in printed
    assert "Connection refused" in printed
    assert "MECHSHARE_DATABASE_URL" in printed
    assert (
        "!!  blobs      file:///dev/null/blobs - does not respond ([Errno 2] No such file or directory"
        in printed
    )
    assert "!!  limits     redis://:***@127.0.0.1:1/0 - does not respond (" in printed
    assert "ok  processing" in printed
    assert "hush" not in printed + ended.stderr


def test_the_doctor_reports_a_data_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way")
    ended = mechshare("doctor", MECHSHARE_DATA=str(tmp_path / "data"))
    assert ended.returncode == 1
    assert f"!!  data       {tmp_path / 'data'} can't be used: File exists" in ended.stdout
    assert "set MECHSHARE_DATA to a folder" in ended.stdout
    assert "Traceback" not in ended.stderr


async def test_the_doctor_finds_no_problem_with_real_servers(tmp_path: Path) -> None:
    async with postgresql_database() as url:
        redis, azure = address("REDIS_URL"), f"azure:///{new_container()}"
        servers = {
            "MECHSHARE_DATA": str(tmp_path / "data"),
            "MECHSHARE_OPERATIONS_ADDRESS": "off",
            "MECHSHARE_DATABASE_URL": url,
            "MECHSHARE_BLOBS_URL": azure,
            "MECHSHARE_BLOBS_CONNECTION_STRING": address("AZURE_CONNECTION_STRING"),
            "MECHSHARE_CACHE_URL": redis,
            "MECHSHARE_LIMITS_URL": redis,
            "MECHSHARE_JOBS_URL": redis,
        }
        absent = await asyncio.to_thread(mechshare, "doctor", **servers)
        made = await asyncio.to_thread(mechshare, "migrate", **servers)
        there = await asyncio.to_thread(mechshare, "doctor", **servers)

    assert absent.returncode == 1
    assert (
        f"!!  blobs      {azure} - does not respond (The specified container does not exist." in absent.stdout
    )
    assert "'mechshare migrate' creates it" in absent.stdout
    assert made.returncode == 0, made.stderr
    assert there.returncode == 0, there.stdout
    assert problems_in(there.stdout) <= {"python"}
    assert there.stderr == ""
    assert f"ok  database   {masked(url)} - PostgreSQL 15." in there.stdout
    assert f"ok  blobs      {azure} - 1088 bytes written, read back and deleted" in there.stdout
    assert there.stdout.count(f"{redis} - Redis 7.") == 3


@pytest.mark.parametrize(
    "command",
    [[], *([name] for name in sorted(cli.commands)), ["users", "set-role"], ["jobs", "retry"]],
    ids=" ".join,
)
def test_every_command_explains_itself(command: list[str]) -> None:
    chosen = settings.load({})
    result = CliRunner().invoke(cli, [*command, "--help"], obj=chosen)
    assert result.exit_code == 0
    assert len(result.output.splitlines()) >= 4


def mechshare(*arguments: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "mechshare", *arguments]
    return subprocess.run(command, env={**os.environ, **environ}, capture_output=True, text=True, check=False)


def test_a_misspelt_setting_is_refused_in_one_line() -> None:
    ended = mechshare("doctor", MECHSHARE_DATABSE_URL="memory:")
    assert ended.returncode == 1
    assert "MECHSHARE_DATABSE_URL is not a setting" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_data_folder_that_is_a_file_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way")
    ended = mechshare("migrate", MECHSHARE_DATA=str(tmp_path / "data"))
    assert ended.returncode == 1
    assert "MECHSHARE_DATA can't be used" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_refusal_is_printed_in_one_line(tmp_path: Path) -> None:
    ended = mechshare("users", "suspend", "nobody", MECHSHARE_DATA=str(tmp_path / "data"))
    assert ended.returncode == 1
    assert ended.stderr.strip() == "User not found."


HOSTS = 3


@pytest.fixture(params=["sqlite", "postgresql"])
async def fresh_database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """The URL of a database without a schema."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'shared' / 'x.db'}"
        return
    async with postgresql_database(migrated=False) as made:
        yield made


# SQLite reflects no index over an expression.
@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index")
@pytest.mark.filterwarnings("ignore:autogenerate skipping metadata-specified expression-based index")
async def test_concurrent_migrations_of_one_database_all_succeed(fresh_database: str, tmp_path: Path) -> None:
    def host(number: int) -> "subprocess.CompletedProcess[str]":
        data = str(tmp_path / f"host-{number}")
        return mechshare("migrate", MECHSHARE_DATA=data, MECHSHARE_DATABASE_URL=fresh_database)

    ended = await asyncio.gather(*(asyncio.to_thread(host, number) for number in range(HOSTS)))

    assert [one.returncode for one in ended] == [0] * HOSTS, [one.stderr for one in ended]
    assert len({one.stdout for one in ended}) == 1
    with connected(fresh_database) as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        seeded = connection.execute(select(metadata.tables["categories"].c.id)).scalars().all()
    assert sorted(seeded) == sorted(slug for slug, _, _ in FIRST_CATEGORIES)


def test_doctor_names_the_damage_of_the_database(run: Run, chosen: Settings) -> None:
    run("migrate")
    damage_users(chosen.data / "mechshare.db")
    result = run("doctor")
    assert result.exit_code == 1
    assert "is damaged" in result.output
    assert "restore the last backup" in result.output
    result = run("backup", chosen.data / "backup")
    assert result.exit_code == 1
    assert "is damaged" in result.output
    with pytest.raises(DatabaseDamaged):  # `main` prints its message
        run("users", "list")
