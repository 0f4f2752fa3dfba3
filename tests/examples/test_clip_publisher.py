"""A program that uses the API is tested without a server, with the fixtures of mechshare."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.examples.installing import write_metadata

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "clip_publisher"


def test_its_tests_pass_with_the_fixtures_of_an_installed_mechshare(tmp_path: Path) -> None:
    write_metadata(ROOT, tmp_path)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(EXAMPLE)]
    path = os.pathsep.join([str(tmp_path), str(EXAMPLE / "src")])
    environ = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, env=environ, cwd=EXAMPLE, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    written = (EXAMPLE / "tests" / "test_publisher.py").read_text(encoding="utf-8")
    assert re.search(rf"^{len(re.findall('def test_', written))} passed", done.stdout, re.MULTILINE)


def test_pytest_beside_mechshare_loads_its_plugin_and_nothing_else(tmp_path: Path) -> None:
    write_metadata(ROOT, tmp_path)
    (tmp_path / "test_modules.py").write_text(
        "import sys\n\n\ndef test_modules():\n"
        "    assert 'mechshare.pytest_plugin' in sys.modules\n"
        "    assert not {'litestar', 'sqlalchemy', 'mechshare.bootstrap'} & set(sys.modules)\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:schemathesis", "."]
    environ = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(command, env=environ, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
