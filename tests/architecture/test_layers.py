import ast
import sys

import pytest
from importlinter.cli import lint_imports

from tests.architecture.source import ROOT, imported_by, modules_of, name_of, tree_of

MAY_IMPORT = {
    "domain": ("mechshare.domain",),
    "ports": ("mechshare.domain", "mechshare.ports"),
    "services": ("mechshare.domain", "mechshare.ports", "mechshare.services"),
}
OUTSIDE_WORLD = {"asyncio", "importlib", "io", "logging", "os", "pathlib", "random", "secrets", "socket"} | {
    "subprocess",
    "sys",
    "tempfile",
    "threading",
    "time",
    "urllib.request",
    "uuid",
}
CORE = [pytest.param(layer, path, id=name_of(path)) for layer in MAY_IMPORT for path in modules_of(layer)]
DOMAIN = [pytest.param(path, id=name_of(path)) for path in modules_of("domain")]


def is_within(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def test_the_import_contracts_are_kept():
    assert lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True) == 0


@pytest.mark.parametrize(("layer", "path"), CORE)
def test_the_core_imports_the_standard_library_and_lower_layers(layer, path):
    others = {
        module
        for module, _ in imported_by(path)
        if module.partition(".")[0] not in sys.stdlib_module_names
        and not is_within(module, MAY_IMPORT[layer])
    }
    assert others == set()


@pytest.mark.parametrize("path", DOMAIN)
def test_the_domain_does_no_input_or_output(path):
    assert {module for module, _ in imported_by(path)} & OUTSIDE_WORLD == set()


@pytest.mark.parametrize("path", DOMAIN)
def test_the_domain_reads_no_clock(path):
    calls = {
        node.func.attr
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }
    assert calls & {"now", "utcnow", "today"} == set()


@pytest.mark.parametrize("path", [pytest.param(path, id=name_of(path)) for path in modules_of("services")])
def test_no_service_calls_another(path):
    assert {name for module, name in imported_by(path) if name.endswith("Service")} == set()


@pytest.mark.parametrize("path", [pytest.param(path, id=name_of(path)) for path in modules_of("adapters")])
def test_an_adapter_imports_only_ports_and_domain(path):
    inner = {module for module, _ in imported_by(path) if is_within(module, ("mechshare",))}
    allowed = ("mechshare.domain", "mechshare.ports", "mechshare.adapters")
    assert {module for module in inner if not is_within(module, allowed)} == set()


def test_only_the_composition_root_imports_adapters():
    outside = [path for layer in ("services", "entrypoints", "ports", "domain") for path in modules_of(layer)]
    assert {
        name_of(path)
        for path in outside
        for module, _ in imported_by(path)
        if is_within(module, ("mechshare.adapters",))
    } == set()
