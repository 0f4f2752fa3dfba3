"""The published document is valid, and clients generated from it work against a running server."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mechshare.demo.clips import CLIPS
from tests.clients.npm import npm_packages, run, run_npm_program
from tests.journeys.test_journey import drawn
from tests.served import served

HERE = Path(__file__).parent
DOCUMENT = HERE.parents[1] / "docs" / "openapi.json"
pytestmark = pytest.mark.timeout(900)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """The address of an empty server."""
    with served(tmp_path) as url:
        yield url


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return drawn(CLIPS[0], tmp_path)


def test_the_document_follows_the_recommended_rules(tmp_path: Path) -> None:
    run_npm_program("redocly", "lint", "--config", str(HERE / "redocly.yaml"), str(DOCUMENT), cwd=tmp_path)


def test_a_generated_python_client_works(server: str, clip: Path, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("post_hooks: []\n")
    generate = [sys.executable, "-m", "openapi_python_client", "generate", "--path", str(DOCUMENT)]
    options = ["--meta=none", "--output-path=mechshare_client", f"--config={config}", "--fail-on-warning"]
    run([*generate, *options], tmp_path)
    program = shutil.copy(HERE / "client_program.py", tmp_path)
    assert run([sys.executable, str(program), server, str(clip)], tmp_path).endswith("OK\n")


def test_a_generated_typescript_client_type_checks_and_works(server: str, clip: Path, tmp_path: Path) -> None:
    arguments = ["--input", str(DOCUMENT), "--output", "client", "--client", "@hey-api/client-fetch"]
    run_npm_program("openapi-ts", *arguments, cwd=tmp_path)
    shutil.copy(HERE / "client_program.ts", tmp_path)
    shutil.copy(HERE / "tsconfig.json", tmp_path)
    (tmp_path / "node_modules").symlink_to(npm_packages())
    run_npm_program("tsc", "--noEmit", cwd=tmp_path)
    bundle = ["--bundle", "--platform=node", "--format=esm", "--outfile=program.mjs"]
    run_npm_program("esbuild", "client_program.ts", *bundle, cwd=tmp_path)
    assert run(["node", "program.mjs", server, str(clip)], tmp_path).endswith("OK\n")
