"""`mechshare import`"""

from pathlib import Path

from tests.cli.conftest import Run
from tests.cli.test_users import create_admin


def test_clips_are_imported_and_what_is_none_is_told_with_its_reason(run: Run, clips: Path) -> None:
    create_admin(run)
    result = run("import", clips, "--as", "boss", "--category", "gears", "--publish")
    assert "2 added, 0 were there already, 1 refused" in result.output
    assert "notes.txt: This is no clip that mechshare takes." in " ".join(result.output.split())
    assert result.exit_code == 1


def test_a_second_run_adds_nothing_twice(run: Run, clips: Path) -> None:
    create_admin(run)
    (clips / "notes.txt").unlink()
    run("import", clips, "--as", "boss")
    result = run("import", clips, "--as", "boss", "--publish")
    assert "0 added, 2 were there already, 0 refused" in result.output
    assert result.exit_code == 0


def test_what_was_imported_and_published_is_in_the_index(run: Run, clips: Path) -> None:
    create_admin(run)
    run("import", clips / "歯車.gif", "--as", "boss", "--publish")
    assert "the index holds 1 mechanisms" in run("reindex").output


def test_a_category_that_does_not_exist_keeps_nothing(run: Run, clips: Path) -> None:
    create_admin(run)
    result = run("import", clips / "歯車.gif", "--as", "boss", "--category", "no-such")
    assert "0 added" in result.output
    assert result.exit_code == 1
