"""The project's own source, as files and as syntax trees."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "mechshare"
MODULES = sorted(PACKAGE.rglob("*.py"))


def modules_of(layer: str) -> list[Path]:
    found = [path for path in MODULES if path.is_relative_to(PACKAGE / layer)]
    assert found, f"there is no {layer}"
    return found


def name_of(path: Path) -> str:
    """Returns the path as it appears in test ids."""
    return str(path.relative_to(PACKAGE))


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported_by(path: Path) -> Iterator[tuple[str, str]]:
    """Yields (module, name) of every import, including those in functions and under TYPE_CHECKING."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, ""
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            for alias in node.names:
                yield node.module or "", alias.name
