"""The mechanisms that the home page lists: from the search index if there are words, else from the database."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import msgspec
from litestar import Request

from mechshare.domain.categories import in_tree_order
from mechshare.domain.ids import CategoryId
from mechshare.domain.mechanism_filters import MechanismFilter
from mechshare.domain.mechanism_sorts import MechanismSort
from mechshare.domain.pagination import PageRequest
from mechshare.domain.policy import Viewer
from mechshare.domain.reliability import ReliabilityLevel
from mechshare.domain.search import FoundMechanism, SearchPage, SearchSort
from mechshare.entrypoints.http.protocol.auth import application_of
from mechshare.entrypoints.http.public_reads.keys import ListKey
from mechshare.entrypoints.http.public_reads.reads import public_reads_of, read_categories
from mechshare.entrypoints.http.representations.categories import CategoriesResponse
from mechshare.entrypoints.web.conditions import STEP, Conditions
from mechshare.entrypoints.web.languages import language_of

Req = Request[Any, Any, Any]
_READ_SIZES = (STEP, 2 * STEP)
_MAX_READ_SIZE = 100
_BEYOND_LEVELS = max(ReliabilityLevel) + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Categories:
    """The categories by id, each followed by those below it: their names in the person's language, and how many
    mechanisms lists show the person in each. `parents` has those of the lower level."""

    names: dict[CategoryId, str]
    counts: dict[CategoryId, int]
    parents: dict[CategoryId, CategoryId]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """A category as a filter. `count` is None if it is unknown; `address` adds or removes the filter. `is_child` if it
    is below another category."""

    name: str
    count: int | None
    is_chosen: bool
    address: str
    is_child: bool = False


async def with_families(request: Req, conditions: Conditions) -> Conditions:
    """Returns the conditions with the categories to which their ids lead, and those below them. Raises InvalidField."""
    families = await application_of(request).categories.find_families(conditions.category_ids)
    complete = conditions.with_families(families)
    complete.filter  # noqa: B018 - refuses what no mechanism can meet
    return complete


async def find_page(
    request: Req, viewer: Viewer, conditions: Conditions, offset: int, count: int
) -> SearchPage:
    """Returns `count` mechanisms after the first `offset`, both multiples of STEP.

    Raises Unavailable, Overloaded, SearchTimedOut.
    """
    size = next((size for size in _READ_SIZES if size >= count), _MAX_READ_SIZE)
    first = offset // size + 1
    read = _search if conditions.is_search else _list
    pages = [await read(request, viewer, conditions, first, size)]
    for number in range(first + 1, first + -(-count // size)):
        if len(pages[-1].items) < size:
            break
        pages.append(await read(request, viewer, conditions, number, size))
    items = tuple(item for page in pages for item in page.items)
    return replace(pages[0], items=items[:count])


async def _search(request: Req, viewer: Viewer, conditions: Conditions, number: int, size: int) -> SearchPage:
    return await application_of(request).search.search(
        viewer,
        conditions.text,
        author=conditions.bounds.author,
        within=conditions.filter,
        sort=SearchSort(conditions.sort),
        page=number,
        limit=size,
    )


async def _list(request: Req, viewer: Viewer, conditions: Conditions, number: int, size: int) -> SearchPage:
    application, sort = application_of(request), MechanismSort(conditions.sort)
    wanted = PageRequest(page=number, limit=size)
    filter = conditions.filter
    counted = await _count_public(request, wanted, filter, sort) if viewer is None else None
    requested = replace(wanted, counted=counted)
    found = await application.mechanisms.find_all(viewer, requested, filter, sort=sort)
    return SearchPage(
        items=tuple(FoundMechanism(found=item, highlights={}) for item in found.items),
        page=number,
        limit=size,
        total=found.total,
        total_is_exact=found.total_is_exact,
        facets={},
    )


async def _count_public(
    request: Req, wanted: PageRequest, filter: MechanismFilter, sort: MechanismSort
) -> int:
    """Returns the length of the public list from the cache of public responses."""
    application = application_of(request)
    key = ListKey(path="/", query=(), filter=filter, sort=sort, request=wanted)
    count = partial(application.mechanisms.count_public, filter)
    return await application.responses.count(key.count_key, count)


async def find_categories(request: Req, viewer: Viewer) -> Categories:
    items = in_tree_order((await _counted_categories(request, viewer)).items)
    is_japanese = language_of(request) == "ja"
    return Categories(
        names={CategoryId(one.id): one.name_ja if is_japanese else one.name_en for one in items},
        counts={CategoryId(one.id): one.mechanism_count for one in items},
        parents={CategoryId(one.id): CategoryId(one.parent_id) for one in items if one.parent_id},
    )


async def _counted_categories(request: Req, viewer: Viewer) -> CategoriesResponse:
    reads = public_reads_of(request)
    if viewer is not None:
        return await read_categories(reads, application_of(request), viewer)
    # From the cache of public responses: counting them for each page would be slow.
    return msgspec.json.decode((await reads.categories(None)).body, type=CategoriesResponse)


async def find_chips(
    request: Req, viewer: Viewer, conditions: Conditions, found: SearchPage, categories: Categories
) -> list[Chip]:
    """Returns the filters: the chosen ones first, then those that add mechanisms to the page. A list offers the
    categories below another one after that is chosen: all of them would fill the page."""
    counts = await _counts(request, viewer, conditions, found, categories)
    offered = [
        id
        for id in categories.names
        if counts.get(id, 0) and id not in conditions.category_ids and _is_open(id, conditions, categories)
    ]
    is_unknown = conditions.is_of_all and not conditions.is_search
    return [
        Chip(
            name=categories.names.get(id, id),
            count=None if found.degraded or is_unknown else counts.get(id, 0),
            is_chosen=id in conditions.category_ids,
            is_child=id in categories.parents,
            address=conditions.toggled(id).address,
        )
        for id in (*conditions.category_ids, *offered)
    ]


def _is_open(id: CategoryId, conditions: Conditions, categories: Categories) -> bool:
    """Whether the category is of the upper level, below a chosen one, or a search may lead to it."""
    parent = categories.parents.get(id)
    return conditions.is_search or parent is None or parent in conditions.category_ids


async def _counts(
    request: Req, viewer: Viewer, conditions: Conditions, found: SearchPage, categories: Categories
) -> dict[CategoryId, int]:
    """Returns how many mechanisms each category would show, alone or together with the chosen ones if all are meant."""
    if not conditions.is_search or found.degraded:
        return categories.counts
    if not conditions.category_ids or conditions.is_of_all:
        return dict(found.facets)
    # Facets count the matches within the chosen categories only.
    everywhere = await _search(request, viewer, conditions.without_categories(), 1, 1)
    return dict(everywhere.facets)


def level_names(request: Req) -> dict[int, str]:
    """Returns the levels of reliability, the highest first, with their names in the person's language."""
    language = language_of(request)
    return {int(level): level.name_in(language) for level in sorted(ReliabilityLevel, reverse=True)}


async def find_level_chips(
    request: Req, viewer: Viewer, conditions: Conditions, found: SearchPage
) -> list[Chip]:
    """Returns the levels of reliability that narrow a search, each as the least one, the highest first, and the chosen
    one. The count of that is None outside searches."""
    counts = await _level_counts(request, viewer, conditions, found)
    chips = [
        Chip(
            name=str(level),
            count=None if counts is None else sum(counts.get(one, 0) for one in range(level, _BEYOND_LEVELS)),
            is_chosen=conditions.bounds.reliability_min == str(level),
            address=conditions.at_level(level).address,
        )
        for level in level_names(request)
    ]
    return [chip for chip in chips if chip.count or chip.is_chosen]


async def _level_counts(
    request: Req, viewer: Viewer, conditions: Conditions, found: SearchPage
) -> Mapping[int, int] | None:
    """Returns how many mechanisms each level on its own would show."""
    if not conditions.is_search or found.degraded:
        return None
    if not conditions.bounds.reliability_min:
        return found.levels
    everywhere = await _search(request, viewer, conditions.without("reliability"), 1, 1)
    return None if everywhere.degraded else everywhere.levels
