"""Files of the installation are accessible to their owner only."""

import os
import subprocess
import sys
from pathlib import Path

from mechshare.entrypoints.cli.file_modes import advice, exposed
from mechshare.settings import Settings
from tests.cli.conftest import Run

OTHERS = 0o077


def test_files_that_a_command_creates_are_for_the_owner_only(tmp_path: Path) -> None:
    environ = {
        **os.environ,
        "MECHSHARE_DATA": str(tmp_path / "data"),
        "MECHSHARE_LOG_FILE": str(tmp_path / "log"),
    }
    command = [sys.executable, "-m", "mechshare"]
    permissive = ["sh", "-c", 'umask 0; exec "$@"', "sh", *command]
    subprocess.run([*permissive, "migrate"], env=environ, check=True, capture_output=True, timeout=120)
    subprocess.run([*permissive, "doctor"], env=environ, check=True, capture_output=True, timeout=120)
    subprocess.run(
        [*permissive, "backup", str(tmp_path / "backup")],
        env=environ,
        check=True,
        capture_output=True,
        timeout=120,
    )

    created = [path for path in tmp_path.rglob("*") if not path.is_symlink()]

    assert {"mechshare.db", "search.db", "secret.key", "backup"} <= {path.name for path in created}
    assert [path for path in created if path.stat().st_mode & OTHERS] == []


def test_the_doctor_names_readable_files_and_the_command_to_fix_them(run: Run, chosen: Settings) -> None:
    run("migrate")
    reachable = _open_to_others(chosen.data)
    if not reachable:
        chosen.data.chmod(0o755)
    (chosen.data / "mechshare.db").chmod(0o644)

    report = run("doctor").output

    if reachable:
        assert f"chmod -R go-rwx {chosen.data}" in report
        subprocess.run(["sh", "-c", advice(exposed(chosen)).removeprefix("run: ")], check=True, timeout=60)
    assert exposed(chosen) == []


def _open_to_others(data: Path) -> bool:
    """Makes the parent folders of the data passable where the test owns them."""
    data.chmod(0o755)
    return all(folder.stat().st_mode & 0o011 for folder in data.parents)
