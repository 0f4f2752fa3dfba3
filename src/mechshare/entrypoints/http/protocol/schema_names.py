"""Published names of schemas, and formats of their fields.

Published names are part of the API: they stay the same when a class is renamed or moved.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

from litestar.openapi.spec import Parameter, Reference, Schema
from litestar.openapi.spec.enums import OpenAPIFormat

T = TypeVar("T")

_NAMES = {
    name: name
    for name in (
        *(
            "Access",
            "AccountDeletion",
            "AccountExportState",
            "AuditAction",
            "Author",
            "CategoryMatch",
            "ClaimKind",
            "CommentSort",
            "Decision",
            "DeliveryError",
            "GroupRole",
            "LineageKind",
        ),
        *(
            "MarkKind",
            "MechanismKind",
            "MechanismSort",
            "MotionKind",
            "NotificationKind",
            "ProcessingState",
            "Profile",
        ),
        *("RecipientKind", "Role", "Scope", "SearchSort", "SuggestionKind", "Visibility"),
    )
}
"""Maps class names without module to published names. Classes of the domain keep their names; the decorator `published`
adds the others."""
_PAGE = re.compile(r"PageResponse_(\w+)_\Z")
_NO_UUIDS = {"category_id", "parent_id", "request_id"}
"""Fields and parameters whose names end in `_id` although they are not UUIDs."""
_NAMED_BY_SLUG = {"Category", "CategoryCount"}
_MODULE = re.compile(r"mechshare\.(?:\w+\.)*")
_PREFIX = "#/components/schemas/"


def published(name: str) -> Callable[[type[T]], type[T]]:
    """Publishes the schema of the decorated class as `name`, independently of the module and name of the class.

    Raises ValueError if a class of the same name is published under another name: class names identify schemas.
    """

    def add(published_class: type[T]) -> type[T]:
        bare = published_class.__name__
        if _NAMES.setdefault(bare, name) != name:
            raise ValueError(f"Two classes with schemas are called {bare}: rename one.")
        return published_class

    return add


def publish_schemas(schemas: dict[str, Any], paths: Any) -> dict[str, Any]:
    """Returns the schemas by published name, and updates every reference in them and in `paths`.

    A page is named after its items. Raises LookupError for a schema without a name.
    """
    for part in _parts([schemas, paths]):
        if isinstance(part, Reference) and part.ref.startswith(_PREFIX):
            part.ref = _PREFIX + _renamed(part.ref.removeprefix(_PREFIX))
        elif isinstance(part, Parameter) and _is_identifier(part.name):
            _mark_identifier(part.schema)
    published = {_renamed(name): schema for name, schema in schemas.items()}
    for name, schema in published.items():
        _describe(name, schema)
    return dict(sorted(published.items()))


def reference_to(class_name: str) -> Reference:
    """Returns a reference that `publish_schemas` renames."""
    return Reference(ref=_PREFIX + class_name)


def _renamed(name: str) -> str:
    bare = _MODULE.sub("", name)
    if page := _PAGE.match(bare):
        return f"{_renamed(page[1])}Page"
    if bare not in _NAMES:
        raise LookupError(f"The schema {bare} has no published name: give its class one, @published(...).")
    return _NAMES[bare]


def _describe(name: str, schema: Any) -> None:
    schema.title = None
    for field, described in (getattr(schema, "properties", None) or {}).items():
        if _is_identifier(field) and name not in _NAMED_BY_SLUG:
            _mark_identifier(described)


def _is_identifier(name: str) -> bool:
    return (name == "id" or name.endswith("_id")) and name not in _NO_UUIDS


def _mark_identifier(schema: Any) -> None:
    for one in (schema, *(getattr(schema, "one_of", None) or ())):
        if isinstance(one, Schema) and one.type == "string":
            one.format = OpenAPIFormat.UUID


def _parts(root: Any) -> Iterator[Any]:
    """Yields `root` and all its parts; a shared object once."""
    seen: set[int] = set()
    left = [root]
    while left:
        part = left.pop()
        if id(part) not in seen:
            seen.add(id(part))
            yield part
            left.extend(_children(part))


def _children(part: Any) -> Iterable[Any]:
    if isinstance(part, dict):
        return part.values()
    if isinstance(part, list | tuple):
        return part
    if is_dataclass(part) and not isinstance(part, type):
        return [getattr(part, field.name) for field in fields(part)]
    return ()
