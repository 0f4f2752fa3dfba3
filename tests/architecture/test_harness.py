"""Every adapter of every port runs through that port's contract suite."""

import importlib
import inspect
from typing import Any

import pytest

from tests.architecture.source import PACKAGE, ROOT, modules_of
from tests.contracts.harness import open_adapters

PORTS = sorted(path.stem for path in (PACKAGE / "ports").iterdir() if not path.stem.startswith("__"))
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
        if any(all(callable(getattr(cls, name, None)) for name in methods_of(wanted)) for wanted in protocols)
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
    folder = ROOT / "tests" / "contracts"
    suites = sorted(folder.glob(f"test_{port}*.py"))
    assert suites, f"tests/contracts/test_{port}.py is missing"
    assert any(
        f'adapters_of("{port}")' in suite.read_text(encoding="utf-8")
        for suite in (folder / "conftest.py", *suites)
    )
