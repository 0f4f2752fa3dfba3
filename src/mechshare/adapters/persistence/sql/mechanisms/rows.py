"""Mechanisms as rows, and rows as mechanisms."""

from typing import Any

from sqlalchemy import Select, select

from mechshare.adapters.persistence.sql.dialects.dialect import CategoriesOfMechanism
from mechshare.adapters.persistence.sql.tables import mechanisms, users
from mechshare.domain.ids import CategoryId
from mechshare.domain.mechanisms import Author, AuthoredMechanism, Mechanism, Processing, ProcessingState

_COLUMNS = (
    *(column for column in mechanisms.c if column.name not in ("original_sha256", "original_key")),
    CategoriesOfMechanism().label("categories"),
)
MECHANISMS: Select[Any] = select(*_COLUMNS)
"""Rows for `mechanism_of`."""
AUTHORED: Select[Any] = select(*_COLUMNS, users.c.username, users.c.display_name)
"""Rows for `authored_of`; what `users` is joined to is the statement's own affair."""


def authored_of(row: Any) -> AuthoredMechanism:
    *own, username, display_name = row
    mechanism = mechanism_of(own)
    author = Author(id=mechanism.user_id, username=username, display_name=display_name)
    return AuthoredMechanism(mechanism=mechanism, author=author)


def mechanism_of(row: Any) -> Mechanism:
    (
        id,
        user_id,
        title,
        description,
        file_url,
        thumbnail_url,
        preview_url,
        duration,
        created_at,
        updated_at,
        is_published,
        withdrawn_reason,
        state,
        failure,
        media,
        original,
        version,
        categories,
    ) = row
    return Mechanism(
        id=id,
        title=title,
        description=description,
        user_id=user_id,
        file_url=file_url,
        thumbnail_url=thumbnail_url,
        preview_url=preview_url,
        duration=duration,
        created_at=created_at,
        updated_at=updated_at,
        is_published=is_published,
        categories=tuple(map(CategoryId, categories.split(","))) if categories else (),
        processing=Processing(state=ProcessingState(state), failure=failure),
        media=media,
        original=original,
        withdrawn_reason=withdrawn_reason,
        version=version,
    )


def values_of(mechanism: Mechanism) -> dict[str, Any]:
    original = mechanism.original
    return {
        "id": mechanism.id,
        "user_id": mechanism.user_id,
        "title": mechanism.title,
        "description": mechanism.description,
        "file_url": mechanism.file_url,
        "thumbnail_url": mechanism.thumbnail_url,
        "preview_url": mechanism.preview_url,
        "duration": mechanism.duration,
        "created_at": mechanism.created_at,
        "updated_at": mechanism.updated_at,
        "is_published": mechanism.is_published,
        "withdrawn_reason": mechanism.withdrawn_reason,
        "processing_state": mechanism.processing.state.value,
        "failure": mechanism.processing.failure,
        "media": mechanism.media,
        "original": original,
        "original_sha256": original.sha256 if original else None,
        "original_key": mechanism.original_key,
        "version": mechanism.version,
    }


def category_values_of(mechanism: Mechanism) -> list[dict[str, Any]]:
    """A row of `mechanism_categories` for each of its categories."""
    return [
        {
            "category_id": category,
            "mechanism_id": mechanism.id,
            "position": position,
            "created_at": mechanism.created_at,
            "is_published": mechanism.is_published,
        }
        for position, category in enumerate(mechanism.categories)
    ]
