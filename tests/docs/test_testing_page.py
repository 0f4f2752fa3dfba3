"""The examples of the page on test suites are complete test files that pass."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.documents import DOCS, ROOT
from tests.examples.installing import write_metadata

pytestmark = pytest.mark.timeout(600)


def test_the_examples_are_tests_that_pass(tmp_path: Path) -> None:
    text = (DOCS / "testing.md").read_text(encoding="utf-8")
    files = re.findall(r"^```python\n# (test_\w+\.py)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert len(files) == text.count("```python")
    for name, content in files:
        (tmp_path / name).write_text(content, encoding="utf-8")
    write_metadata(ROOT, tmp_path / "site")
    options = ["-q", "-p", "no:cacheprovider", "-W", "error", "-o", "asyncio_mode=auto"]
    options += ["-o", "asyncio_default_fixture_loop_scope=function", "."]
    command = [sys.executable, "-m", "pytest", *options]
    environ = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert re.search(rf"^{len(files)} passed", done.stdout, re.MULTILINE)
