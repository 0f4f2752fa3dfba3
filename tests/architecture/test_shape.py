import dataclasses
import importlib
import inspect
from typing import is_typeddict

import pytest

from tests.architecture.source import MODULES, PACKAGE, ROOT, modules_of, name_of

SAYS_NOTHING = {"utils", "util", "common", "base", "manager", "managers", "helper", "helpers", "impl", "misc"}
MAX_MODULE_LINES = 350
MAX_METHODS = 7
LIFE = {"prepare", "check", "close"}
"""Methods that the composition root calls; they do not count as a port's own."""


def imported(path):
    return importlib.import_module(".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts))


def classes_of(layer):
    modules = [imported(path) for path in modules_of(layer) if path.name != "__init__.py"]
    return [
        pytest.param(member, id=f"{module.__name__.rpartition('.')[2]}.{name}")
        for module in modules
        for name, member in inspect.getmembers(module, inspect.isclass)
        if member.__module__ == module.__name__
    ]


def test_every_init_file_is_empty():
    inits = [*PACKAGE.rglob("__init__.py"), *(ROOT / "tests").rglob("__init__.py")]
    assert len(inits) > 10
    assert [str(path) for path in inits if path.stat().st_size > 0] == []


def test_every_folder_of_modules_is_a_package():
    assert {path.parent for path in MODULES if not (path.parent / "__init__.py").exists()} == set()


def test_module_names_say_what_is_inside():
    named = {part for path in MODULES for part in path.relative_to(PACKAGE).with_suffix("").parts}
    assert named & SAYS_NOTHING == set()


# Readers of a suite read one case at a time.
READ_WHOLE = [path for path in MODULES if "testing" not in path.relative_to(PACKAGE).parts]


@pytest.mark.parametrize("path", READ_WHOLE, ids=name_of)
def test_no_module_is_too_long(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_MODULE_LINES


@pytest.mark.parametrize("cls", [c for c in classes_of("domain") if dataclasses.is_dataclass(c.values[0])])
def test_a_domain_value_is_immutable(cls):
    assert cls.__dataclass_params__.frozen
    assert "__slots__" in vars(cls)


@pytest.mark.parametrize("cls", classes_of("ports"))
def test_a_port_is_small_and_documented(cls):
    if not getattr(cls, "_is_protocol", False):
        assert dataclasses.is_dataclass(cls) or issubclass(cls, Exception | bytes) or is_typeddict(cls)
        return
    methods = {name for name, member in vars(cls).items() if inspect.isfunction(member) and name[0] != "_"}
    assert len(methods - LIFE) <= MAX_METHODS
