"""Categories."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from mechshare.domain.categories import Category, CategoryCount, CategoryRedirect
from mechshare.domain.ids import CategoryId, UserId


class CategoryRepository(Protocol):
    async def find_by_id(self, id: CategoryId) -> Category | None: ...

    async def find_all(self) -> tuple[Category, ...]:
        """Returns all categories in order of creation, then by identifier."""

    async def find_counts(self) -> tuple[CategoryCount, ...]:
        """Returns all categories with their numbers of public mechanisms, in the same order. Slow: it counts all of
        them."""

    async def count_restricted(self, reader: UserId | None = None) -> Mapping[CategoryId, int]:
        """Returns how many internal mechanisms are published in each category and its children, each counted once; a
        category without any is missing. Slow: it counts all of them.

        With a `reader`, counts published private mechanisms instead: those of `reader`, and those that are shared with
        `reader` or a group of theirs.
        """

    async def find_children(self, ids: Sequence[CategoryId]) -> tuple[Category, ...]:
        """Returns the categories whose parent is one of `ids`, in order of creation, then by identifier."""

    async def save(self, category: Category) -> Category:
        """Stores a category as `UserRepository.save` stores a user; raises NameTaken if a new one's identifier
        exists."""

    async def delete(self, id: CategoryId) -> None:
        """Deletes the category and the redirects to it. Raises CategoryInUse while any mechanism, published or not, is
        in it."""


class CategoryRedirectRepository(Protocol):
    async def find(self, ids: Sequence[CategoryId]) -> tuple[CategoryRedirect, ...]:
        """Returns the redirects from `ids`, by identifier."""

    async def find_all(self) -> tuple[CategoryRedirect, ...]:
        """Returns all redirects, by identifier."""

    async def add(self, redirect: CategoryRedirect) -> None:
        """Stores a redirect. Those that lead to its `id` then lead to its target."""
