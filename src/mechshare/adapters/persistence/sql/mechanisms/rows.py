"""Converts mechanisms to rows and back."""

from operator import attrgetter
from typing import Any

from sqlalchemy import Select, or_, select

from mechshare.adapters.persistence.sql.dialects.dialect import CategoriesOfMechanism
from mechshare.adapters.persistence.sql.records import record_of
from mechshare.adapters.persistence.sql.tables import mechanisms, users
from mechshare.domain.ids import CategoryId
from mechshare.domain.mechanisms import Author, AuthoredMechanism, Mechanism


def _categories(listed: str | None) -> tuple[CategoryId, ...]:
    return tuple(map(CategoryId, listed.split(","))) if listed else ()


_RECORD = record_of(
    Mechanism,
    mechanisms,
    computed={
        "original_sha256": lambda mechanism: mechanism.original.sha256 if mechanism.original else None,
        "original_key": attrgetter("original_key"),
        "reliability_level": attrgetter("reliability_level"),
        "period": attrgetter("period"),
        "motion_kind": lambda mechanism: mechanism.motion.kind.value if mechanism.motion else None,
        "loops": lambda mechanism: mechanism.motion.loops if mechanism.motion else None,
        "is_public": attrgetter("is_public"),
        "is_restricted": lambda mechanism: mechanism.is_published and not mechanism.is_public,
    },
    unwritten=("likes", "comments", "views", "downloads", "evidence", "popularity"),
    converted={"is_published": bool, "categories": _categories},
)
mechanism_of = _RECORD.value
values_of = _RECORD.values
_COLUMNS = (
    *(mechanisms.c[name] for name in _RECORD.columns if name in mechanisms.c),
    or_(mechanisms.c.is_public, mechanisms.c.is_restricted).label("is_published"),
    CategoriesOfMechanism().label("categories"),
)
MECHANISMS: Select[Any] = select(*_COLUMNS)
"""Selects the rows that `mechanism_of` takes."""
AUTHORED: Select[Any] = select(*_COLUMNS, users.c.username, users.c.display_name)
"""Selects the rows that `authored_of` takes. Each statement adds the join with `users`."""


def authored_of(row: Any) -> AuthoredMechanism:
    *own, username, display_name = row
    mechanism = mechanism_of(own)
    author = Author(id=mechanism.user_id, username=username, display_name=display_name)
    return AuthoredMechanism(mechanism=mechanism, author=author)


def parameter_values_of(mechanism: Mechanism) -> list[dict[str, Any]]:
    """Returns a row of `mechanism_parameters` for each number among the parameters of `mechanism`."""
    return [
        {
            "mechanism_id": mechanism.id,
            "key": one.key,
            "quantity": one.quantity,
            "number": one.coherent_number,
        }
        for one in mechanism.parameters
        if one.number is not None
    ]


def category_values_of(mechanism: Mechanism) -> list[dict[str, Any]]:
    """Returns a row of `mechanism_categories` for each category of `mechanism`."""
    return [
        {
            "category_id": category,
            "mechanism_id": mechanism.id,
            "position": position,
            "created_at": mechanism.created_at,
            "is_published": mechanism.is_public,
            "published_at": mechanism.published_at,
        }
        for position, category in enumerate(mechanism.categories)
    ]
