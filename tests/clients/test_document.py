"""The published document is sound in the eyes of others' programs."""

from pathlib import Path

from tests.clients.npm import run_npm_program

HERE = Path(__file__).parent
DOCUMENT = HERE.parents[1] / "docs" / "openapi.json"


def test_the_document_keeps_the_recommended_rules(tmp_path: Path) -> None:
    run_npm_program("redocly", "lint", "--config", str(HERE / "redocly.yaml"), str(DOCUMENT), cwd=tmp_path)
