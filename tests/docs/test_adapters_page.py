"""The package on the page about adapters is complete: its tests pass, and mechshare chooses its adapter by URL."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mechshare.bootstrap.adapters import choose_adapters
from mechshare.setting_values import SettingsError
from mechshare.settings import load
from mechshare.testing import doorbell
from tests.documents import DOCS, ROOT
from tests.examples.installing import write_metadata

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Writes the files on the page into a folder and installs them like pip."""
    folder = tmp_path / "package"
    folder.mkdir()
    text = (DOCS / "adapters.md").read_text(encoding="utf-8")
    files = re.findall(r"^```(?:toml|python)\n# (\S+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert len(files) == text.count("```toml") + text.count("```python")
    for name, content in files:
        (folder / name).write_text(content, encoding="utf-8")
    write_metadata(folder, tmp_path / "site")
    for path in (tmp_path / "site", folder):
        monkeypatch.syspath_prepend(path)
    return folder


def test_its_tests_pass(package: Path, tmp_path: Path) -> None:
    write_metadata(ROOT, tmp_path / "plugin")
    options = [
        "-q",
        "-p",
        "no:cacheprovider",
        "-W",
        "error",
        "-o",
        "asyncio_default_fixture_loop_scope=function",
    ]
    paths = os.pathsep.join(str(path) for path in (tmp_path / "plugin", tmp_path / "site", package))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "."],
        cwd=package,
        env={**os.environ, "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    cases = [name for name in vars(doorbell) if name.startswith("test_")]
    assert re.search(rf"^{len(cases)} passed", done.stdout, re.MULTILINE)


async def test_its_url_and_its_options_choose_it(package: Path, tmp_path: Path) -> None:
    def chosen(url: str, **options: str) -> str:
        environ = {f"MECHSHARE_JOBS_{name.upper()}": value for name, value in options.items()}
        settings = load({"MECHSHARE_DATA": str(tmp_path), "MECHSHARE_JOBS_URL": url, **environ})
        return type(choose_adapters(settings).doorbell).__name__

    url = f"sharedfile://{tmp_path}/bell"
    secret = tmp_path / "seconds"
    secret.write_text("0.5\n")
    assert chosen(url) == "SharedFileDoorbell"
    assert chosen(url, poll_seconds="0.5") == "SharedFileDoorbell"
    assert chosen(url, poll_seconds_file=str(secret)) == "SharedFileDoorbell"
    with pytest.raises(SettingsError, match="write sharedfile:///absolute/path"):
        chosen("sharedfile:")
    with pytest.raises(SettingsError, match="could not convert"):
        chosen(url, poll_seconds="often")
    with pytest.raises(SettingsError, match=r"MECHSHARE_JOBS_TIMEOUT is not an option .*POLL_SECONDS"):
        chosen(url, timeout="5")
