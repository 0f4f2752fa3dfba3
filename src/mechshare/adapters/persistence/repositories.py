"""The repositories of a unit of work, found by their names.

`UnitOfWork` declares each one: its name, and the protocol that says what it promises. The adapter's class stands in
the module with the stem of the protocol's, and names the protocol as its base.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import Any, Generic, TypeVar, cast, get_type_hints

from mechshare.ports.persistence.database import UnitOfWork

C = TypeVar("C")
Repositories = Mapping[str, Callable[[C], Any]]
"""By the name in the unit of work, what makes the repository of a connection or the like."""


def repositories_of(package: str) -> Repositories[Any]:
    """The class in `package` for each repository of a unit of work.

    Raises TypeError where there is not exactly one, or where it lacks a method of its protocol.
    """
    return {name: _class_of(package, protocol) for name, protocol in protocols().items()}


def protocols() -> dict[str, type[Any]]:
    """Each repository that a unit of work has, by name."""
    declared = inspect.getmembers(UnitOfWork, lambda member: isinstance(member, property))
    return {name: get_type_hints(member.fget)["return"] for name, member in declared}


def unit_of_work(repositories: Repositories[C], context: C) -> UnitOfWork:
    """The repositories over `context`, each made when it is first used."""
    return cast(UnitOfWork, _UnitOfWork(repositories, context))


class _UnitOfWork(Generic[C]):
    def __init__(self, repositories: Repositories[C], context: C) -> None:
        self._repositories = repositories
        self._context = context

    def __getattr__(self, name: str) -> Any:
        # Only called for a repository that was not used yet: then it becomes an attribute.
        if name not in self._repositories:
            raise AttributeError(f"a unit of work has no {name}")
        made = self._repositories[name](self._context)
        setattr(self, name, made)
        return made


def _class_of(package: str, protocol: type[Any]) -> type[Any]:
    stem = protocol.__module__.rpartition(".")[2]
    found = [
        member
        for module in _modules(f"{package}.{stem}")
        for _, member in inspect.getmembers(module, inspect.isclass)
        if protocol in member.__mro__[1:] and member.__module__ == module.__name__
    ]
    if len(found) != 1:
        raise TypeError(
            f"{package}.{stem} needs one class with the base {protocol.__name__}, and has {found}"
        )
    inherited = [name for name, promised in _methods(protocol) if getattr(found[0], name) is promised]
    if inherited:
        raise TypeError(f"{found[0].__name__} lacks {', '.join(inherited)}")
    return found[0]


def _modules(name: str) -> Iterator[ModuleType]:
    """The module, or those of the package."""
    module = importlib.import_module(name)
    yield module
    for found in pkgutil.iter_modules(getattr(module, "__path__", ())):
        yield importlib.import_module(f"{name}.{found.name}")


def _methods(protocol: type[Any]) -> list[tuple[str, Any]]:
    return [(name, one) for name, one in vars(protocol).items() if inspect.isfunction(one) and name[0] != "_"]
