"""What commands print for people at a terminal and for programs at a pipe."""

import json
import logging
import os
import pty
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from mechshare.entrypoints.cli.output import progress_bar
from mechshare.entrypoints.logs import configure_logging
from mechshare.setting_values import SettingsError
from mechshare.settings import Settings, load
from tests.cli.conftest import Run

PASSWORD = "four-bar linkage"


def mechshare(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MECHSHARE_")}
    command = [sys.executable, "-m", "mechshare", *arguments]
    return subprocess.run(command, env=inherited | environ, capture_output=True, text=True, timeout=110)


def create_admin(run: Run, *options: str) -> str:
    typed = f"{PASSWORD}\n"
    return run(
        "users", "create-admin", "boss", "b@example.com", "--password-stdin", *options, typed=typed
    ).output


def test_lists_are_json_or_whole_values_between_tabs(run: Run) -> None:
    create_admin(run)
    (user,) = json.loads(run("users", "list", "--json").output)
    assert (user["username"], user["role"]) == ("boss", "admin")
    headings, row = run("users", "list").output.splitlines()
    assert dict(zip(headings.split("\t"), row.split("\t"), strict=True))["id"] == user["id"]
    assert json.loads(run("jobs", "list", "--json").output) == []
    assert run("jobs", "list").output == "job\tkind\tstate\tattempt\tsubject\twhy\n"


def test_create_admin_if_absent_succeeds_if_the_admin_exists(run: Run) -> None:
    assert "is an admin" in create_admin(run, "--if-absent")
    assert "was an admin already" in create_admin(run, "--if-absent")
    run("users", "set-role", "boss", "user")
    assert "is not an admin" in create_admin(run, "--if-absent")


@pytest.mark.parametrize("arguments", [("--version",), ("--help",), ("jobs", "list", "--help")])
def test_help_and_version_need_no_right_setting(arguments: tuple[str, ...]) -> None:
    shown = mechshare(*arguments, MECHSHARE_PORT="eighty", MECHSHARE_NONSENSE="1")
    assert (shown.returncode, shown.stderr) == (0, "")


def test_an_unwritable_log_file_is_refused_at_the_start(tmp_path: Path) -> None:
    chosen = load({"MECHSHARE_DATA": str(tmp_path), "MECHSHARE_LOG_FILE": str(tmp_path / "none" / "x.log")})
    with pytest.raises(SettingsError, match="MECHSHARE_LOG_FILE cannot be written: No such file"):
        configure_logging(chosen)


def everything_from(terminal: int) -> str:
    """Returns what was written to a terminal whose other end is closed; a read returns a part of it."""
    parts = []
    with suppress(OSError):  # the end
        while part := os.read(terminal, 65_536):
            parts.append(part)
    os.close(terminal)
    return b"".join(parts).decode()


def test_log_lines_scroll_above_a_progress_bar(chosen: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    main, terminal = pty.openpty()
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    with os.fdopen(terminal, "w") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        monkeypatch.setenv("TERM", "xterm")
        configure_logging(chosen)
        try:
            with progress_bar() as bar:
                bar.add_task("rows", total=2)
                logging.getLogger("mechshare.trial").warning("cut in here")
        finally:
            root.handlers, root.level = handlers, level
            monkeypatch.undo()
    written = everything_from(main)
    assert "rows" in written
    # The bar is erased, and the line begins where it was.
    assert re.search(r"\x1b\[2K\d{4}-[^\x1b]*cut in here", written)
