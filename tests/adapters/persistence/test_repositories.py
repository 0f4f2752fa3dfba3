"""How a unit of work finds its repositories."""

import inspect
import sys
from types import ModuleType

import pytest

from mechshare.adapters.persistence.repositories import protocols, repositories_of, unit_of_work

ADAPTERS = ["mechshare.adapters.persistence.memory", "mechshare.adapters.persistence.sql"]


@pytest.mark.parametrize("package", ADAPTERS)
def test_an_adapter_has_a_class_for_each_repository(package):
    found = repositories_of(package)
    assert {name: protocols()[name] in kind.__mro__ for name, kind in found.items()} == dict.fromkeys(
        protocols(), True
    )


@pytest.fixture
def package(monkeypatch):
    """A package of empty modules with the names of the port's modules."""
    modules = {"pack": ModuleType("pack")}
    for protocol in protocols().values():
        name = f"pack.{protocol.__module__.rpartition('.')[2]}"
        modules[name] = ModuleType(name)
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    return modules


def test_a_repository_that_an_adapter_lacks_is_named(package):
    with pytest.raises(TypeError, match=r"pack\.\w+ needs one class with the base"):
        repositories_of("pack")


def test_a_method_that_an_adapter_lacks_is_named(package):
    first = next(iter(protocols().values()))
    module = package[f"pack.{first.__module__.rpartition('.')[2]}"]
    methods = [name for name, member in vars(first).items() if inspect.isfunction(member) and name[0] != "_"]
    done, *missing = methods
    module.Half = type("Half", (first,), {done: lambda self: None, "__module__": module.__name__})
    with pytest.raises(TypeError, match=f"Half lacks {', '.join(missing)}"):
        repositories_of("pack")


def test_a_repository_is_created_once_on_first_use():
    made = []
    unit = unit_of_work({"audit": lambda context: made.append(context) or object()}, "the context")
    assert made == []
    assert unit.audit is unit.audit
    assert made == ["the context"]
    with pytest.raises(AttributeError, match="comments"):
        _ = unit.comments
