"""The published name of each schema, and the formats of its fields.

The names are the contract: a class may be renamed or moved, its schema keeps the name that stands here.
"""

import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from litestar.openapi.spec import Parameter, Reference, Schema
from litestar.openapi.spec.enums import OpenAPIFormat

SCHEMA_NAMES = {
    "AccountStatusChanges": "AccountStatusUpdate",
    "AttemptResponse": "ProcessingAttempt",
    "Author": "Author",
    "CategoriesResponse": "CategoryList",
    "CategoryChanges": "CategoryUpdate",
    "CategoryResponse": "Category",
    "CountedCategory": "CategoryCount",
    "Credentials": "Credentials",
    "ErrorBody": "Error",
    "KeySetResponse": "KeySet",
    "MechanismChanges": "MechanismUpdate",
    "MechanismResponse": "Mechanism",
    "MechanismSort": "MechanismSort",
    "MediaResponse": "Media",
    "NewCategory": "NewCategory",
    "NewMechanism": "NewMechanismFromUrl",
    "NewPassword": "PasswordChange",
    "NewUpload": "NewMechanism",
    "NewUser": "Registration",
    "PageResponse_MechanismResponse_": "MechanismPage",
    "PageResponse_UserResponse_": "UserPage",
    "Piece": "TextPiece",
    "ProcessingResponse": "Processing",
    "ProcessingState": "ProcessingState",
    "ProcessingStatusResponse": "ProcessingStatus",
    "Profile": "Profile",
    "ProfileChanges": "ProfileUpdate",
    "ReasonResponse": "ProcessingReason",
    "Refresh": "RefreshToken",
    "Role": "Role",
    "SearchHitResponse": "SearchHit",
    "SearchResponse": "SearchPage",
    "SearchSort": "SearchSort",
    "SessionResponse": "Session",
    "SessionsResponse": "SessionList",
    "SuggestionsResponse": "SuggestionList",
    "TokenPairResponse": "TokenPair",
    "UserResponse": "User",
    "Withdrawal": "Withdrawal",
}
"""From the name of the class, without its module, to the published name."""

_IDENTIFIERS = {"id", "mechanism_id", "session_id", "user_id"}
_NAMED_BY_SLUG = {"Category", "CategoryCount"}
_MODULE = re.compile(r"mechshare\.(?:\w+\.)*")
_PREFIX = "#/components/schemas/"


def publish_schemas(schemas: dict[str, Any], paths: Any) -> dict[str, Any]:
    """The schemas under their published names, to which every reference in them and in `paths` leads from now on.

    Raises LookupError for a schema without a name in SCHEMA_NAMES.
    """
    for part in {id(part): part for part in _parts([schemas, paths])}.values():
        if isinstance(part, Reference) and part.ref.startswith(_PREFIX):
            part.ref = _PREFIX + _renamed(part.ref.removeprefix(_PREFIX))
        elif isinstance(part, Parameter) and part.name in _IDENTIFIERS:
            _mark_identifier(part.schema)
    published = {_renamed(name): schema for name, schema in schemas.items()}
    for name, schema in published.items():
        _describe(name, schema)
    return dict(sorted(published.items()))


def reference_to(class_name: str) -> Reference:
    """A reference for `publish_schemas` to rename."""
    return Reference(ref=_PREFIX + class_name)


def _renamed(name: str) -> str:
    bare = _MODULE.sub("", name)
    if bare not in SCHEMA_NAMES:
        raise LookupError(f"The schema {bare} has no published name: give it one in SCHEMA_NAMES.")
    return SCHEMA_NAMES[bare]


def _describe(name: str, schema: Any) -> None:
    schema.title = None
    for field, described in (getattr(schema, "properties", None) or {}).items():
        if field in _IDENTIFIERS and name not in _NAMED_BY_SLUG:
            _mark_identifier(described)


def _mark_identifier(schema: Any) -> None:
    for one in (schema, *(getattr(schema, "one_of", None) or ())):
        if isinstance(one, Schema) and one.type == "string":
            one.format = OpenAPIFormat.UUID


def _parts(part: Any) -> Iterator[Any]:
    """`part` and all that it consists of."""
    yield part
    children: Any = ()
    if isinstance(part, dict):
        children = part.values()
    elif isinstance(part, list | tuple):
        children = part
    elif is_dataclass(part) and not isinstance(part, type):
        children = [getattr(part, field.name) for field in fields(part)]
    for child in children:
        yield from _parts(child)
