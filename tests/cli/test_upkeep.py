"""`mechshare migrate`, `reindex`, `doctor`, and the command itself"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from mechshare import settings
from mechshare.entrypoints.cli.main import cli
from tests.cli.conftest import Run


def test_migrating_twice_is_as_good_as_once(run: Run) -> None:
    assert run("migrate").output == run("migrate").output


def test_the_doctor_finds_a_migrated_installation_well(run: Run) -> None:
    run("migrate")
    result = run("doctor")
    assert result.exit_code == 0, result.output
    assert "!!" not in result.output


def test_the_doctor_says_what_to_do_before_the_first_migration(run: Run) -> None:
    result = run("doctor")
    assert result.exit_code == 1
    assert "mechshare migrate" in " ".join(result.output.split())


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


def test_a_refusal_is_told_in_one_line(tmp_path: Path) -> None:
    ended = mechshare("users", "suspend", "nobody", MECHSHARE_DATA=str(tmp_path / "data"))
    assert ended.returncode == 1
    assert ended.stderr.strip() == "User not found."
