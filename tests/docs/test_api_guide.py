"""The examples of the API guide run, each language from top to bottom, on a new server."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clips import write_clip
from tests.documents import DOCS
from tests.served import served

GUIDE = DOCS / "api-guide.md"
ADDRESS = "http://127.0.0.1:8000"
COMMANDS = {
    "bash": ("guide.sh", ["bash", "-euo", "pipefail"]),
    "python": ("guide.py", [sys.executable]),
    "javascript": ("guide.mjs", ["node"]),
}
pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """The address of an empty server."""
    with served(tmp_path) as url:
        yield url


def sections() -> dict[str, list[str]]:
    """Returns the languages of the examples in each section, in order."""
    parts = re.split(r"^## (.+)$", GUIDE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return {
        title: re.findall(r"^```(bash|python|javascript)$", text, re.MULTILINE)
        for title, text in zip(parts[::2], parts[1::2], strict=True)
    }


def examples(language: str) -> str:
    """Returns all examples in this language as one program."""
    text = GUIDE.read_text(encoding="utf-8")
    return "\n".join(re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))


def test_every_section_has_each_language_equally_often() -> None:
    assert len(sections()) >= 10
    for title, languages in sections().items():
        assert languages == [*COMMANDS] * (len(languages) // 3), title
        assert languages, title


@pytest.mark.parametrize("language", COMMANDS)
def test_the_examples_run_from_top_to_bottom(language: str, server: str, tmp_path: Path) -> None:
    name, command = COMMANDS[language]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is missing")
    write_clip(tmp_path / "clip.gif", [100] * 6)
    program = tmp_path / name
    program.write_text(examples(language).replace(ADDRESS, server), encoding="utf-8")
    environ = {**os.environ, "NO_PROXY": "127.0.0.1", "PYTHONWARNINGS": "error"}
    done = subprocess.run(
        [*command, str(program)], cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=500
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("四節リンク機構") >= 1
    assert "304" in done.stdout or language == "python"
