"""Domain events of categories."""

from dataclasses import dataclass

from mechshare.domain.audit import RequestMetadata
from mechshare.domain.ids import CategoryId, UserId


@dataclass(frozen=True, slots=True)
class CategoryCreated:
    category_id: CategoryId
    actor_id: UserId
    request_metadata: RequestMetadata


@dataclass(frozen=True, slots=True)
class CategoryRenamed:
    category_id: CategoryId
    admin_id: UserId
    request_metadata: RequestMetadata


@dataclass(frozen=True, slots=True)
class CategoryMoved:
    """The category is below `parent_id` now; at the top of the tree if that is None."""

    category_id: CategoryId
    parent_id: CategoryId | None
    admin_id: UserId
    request_metadata: RequestMetadata


@dataclass(frozen=True, slots=True)
class CategoryMerged:
    """The mechanisms and children of the category are in `target_id` now."""

    category_id: CategoryId
    target_id: CategoryId
    admin_id: UserId
    request_metadata: RequestMetadata


@dataclass(frozen=True, slots=True)
class CategoryDeleted:
    category_id: CategoryId
    admin_id: UserId
    request_metadata: RequestMetadata


CategoryEvent = CategoryCreated | CategoryRenamed | CategoryMoved | CategoryMerged | CategoryDeleted
