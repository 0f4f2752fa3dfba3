"""Every adapter of every port runs through that port's contract suite."""

import importlib
import inspect
from typing import Any

import pytest

from tests.architecture.source import PACKAGE, ROOT, imported_by, modules_of
from tests.contracts.harness import open_adapters

PORTS = sorted(path.stem for path in (PACKAGE / "ports").iterdir() if not path.stem.startswith("__"))
CONTRACTS = ROOT / "tests" / "contracts"
ENTRY_MODULES = {"persistence": "persistence.database"}
"""For a port that is a package: the module with the protocols that adapters implement."""


def module_at(path: Any) -> Any:
    return importlib.import_module(".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts))


def classes_in(module: Any) -> list[type]:
    return [
        member
        for _, member in inspect.getmembers(module, inspect.isclass)
        if member.__module__ == module.__name__
    ]


def methods_of(protocol: type) -> set[str]:
    return {name for name, member in vars(protocol).items() if inspect.isfunction(member) and name[0] != "_"}


def entry_ports_of(port: str) -> list[type]:
    """Returns the protocols of a port that adapters implement: those that no other protocol of it has or returns."""
    module = importlib.import_module(f"mechshare.ports.{ENTRY_MODULES.get(port, port)}")
    protocols = [cls for cls in classes_in(module) if getattr(cls, "_is_protocol", False)]
    return [cls for cls in protocols if cls.__name__ == "Database"] or protocols


def adapters_in_source(port: str) -> set[type]:
    protocols = entry_ports_of(port)
    return {
        cls
        for path in modules_of(f"adapters/{port}")
        if "migrations" not in path.parts
        for cls in classes_in(module_at(path))
        if any(
            all(callable(getattr(cls, name, None)) for name in methods_of(protocol)) for protocol in protocols
        )
    }


def test_every_port_has_adapters_and_every_folder_of_adapters_a_port():
    folders = {path.name for path in (PACKAGE / "adapters").iterdir() if (path / "__init__.py").exists()}
    assert folders == set(PORTS) == set(open_adapters)


@pytest.mark.parametrize("port", PORTS)
async def test_the_harness_opens_every_adapter(port, tmp_path):
    opened = set()
    for name, opener in open_adapters[port].items():
        folder = tmp_path / name
        folder.mkdir()
        async with opener(folder) as adapter:
            opened.add(type(adapter))

    assert adapters_in_source(port), "the search for adapters finds none"
    assert adapters_in_source(port) == opened


@pytest.mark.parametrize("port", PORTS)
def test_every_port_has_a_contract_suite_over_all_its_adapters(port):
    sources = {path.stem: path.read_text(encoding="utf-8") for path in CONTRACTS.glob("*.py")}
    assert any(
        stem.startswith(f"test_{port}") or f"from mechshare.testing.{port} import *" in source
        for stem, source in sources.items()
    ), f"no module of tests/contracts runs the suite of {port}"
    assert any(f'adapters_of("{port}")' in source for source in sources.values())


@pytest.mark.parametrize("path", sorted(CONTRACTS.glob("test_*.py")), ids=lambda path: path.stem)
def test_no_suite_of_a_module_hides_a_test_of_another(path):
    """Two suites that a module imports with `*` must not have tests of the same name."""
    suites = [module for module, name in imported_by(path) if name == "*"]
    names = [
        name for suite in suites for name in vars(importlib.import_module(suite)) if name.startswith("test_")
    ]
    assert len(names) == len(set(names))
