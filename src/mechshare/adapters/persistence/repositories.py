"""Finds the repository classes of an adapter by naming convention, and builds units of work from them.

`UnitOfWork` declares a property for each repository; its return type is the repository's protocol. The adapter's class
lives in the module of the same name as the protocol's module, and has the protocol as a base class.
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
"""Maps the name of a repository in the unit of work to its factory, which takes the context: a connection or the
like."""


def repositories_of(package: str) -> Repositories[Any]:
    """Returns the class in `package` that implements each repository of a unit of work.

    Raises TypeError if there is not exactly one such class, or if it lacks a method of its protocol.
    """
    return {name: _class_of(package, protocol) for name, protocol in protocols().items()}


def protocols() -> dict[str, type[Any]]:
    """Returns the protocol of each repository of `UnitOfWork`, by name."""
    declared = inspect.getmembers(UnitOfWork, lambda member: isinstance(member, property))
    return {name: get_type_hints(member.fget)["return"] for name, member in declared}


def unit_of_work(repositories: Repositories[C], context: C) -> UnitOfWork:
    """Returns a unit of work whose repositories are built from `context`, each on first use."""
    return cast(UnitOfWork, _UnitOfWork(repositories, context))


class _UnitOfWork(Generic[C]):
    def __init__(self, repositories: Repositories[C], context: C) -> None:
        self._repositories = repositories
        self._context = context

    def __getattr__(self, name: str) -> Any:
        # Python calls this only for missing attributes: on the first use of a repository, which then becomes one.
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
    """Yields the module `name`, then its submodules if it is a package."""
    module = importlib.import_module(name)
    yield module
    for found in pkgutil.iter_modules(getattr(module, "__path__", ())):
        yield importlib.import_module(f"{name}.{found.name}")


def _methods(protocol: type[Any]) -> list[tuple[str, Any]]:
    return [(name, one) for name, one in vars(protocol).items() if inspect.isfunction(one) and name[0] != "_"]
