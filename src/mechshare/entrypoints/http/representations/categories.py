"""Representations of categories."""

from collections.abc import Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from mechshare.domain.categories import CategoryCount
from mechshare.domain.ids import CategoryId
from mechshare.entrypoints.http.protocol.schema_names import published

CATEGORIES_PATH = "/api/v1/categories"


@published("CategoryCount")
class CountedCategory(Struct):
    """A category with the number of mechanisms in it and below it that lists show the caller. `parent_id` is null at
    the top of the tree."""

    id: str
    name_en: str
    name_ja: str
    parent_id: str | None
    mechanism_count: int


@published("CategoryList")
class CategoriesResponse(Struct):
    items: list[CountedCategory]


def categories_response(counts: Iterable[CategoryCount]) -> CategoriesResponse:
    return CategoriesResponse(
        [
            CountedCategory(
                one.category.id,
                one.category.name_en,
                one.category.name_ja,
                one.category.parent_id,
                one.mechanism_count,
            )
            for one in counts
        ]
    )


def with_more(response: CategoriesResponse, *counts: Mapping[CategoryId, int]) -> CategoriesResponse:
    """Returns the categories with these numbers, by id, added to theirs."""
    items = []
    for one in response.items:
        more = sum(each.get(CategoryId(one.id), 0) for each in counts)
        items.append(replace(one, mechanism_count=one.mechanism_count + more))
    return CategoriesResponse(items)
