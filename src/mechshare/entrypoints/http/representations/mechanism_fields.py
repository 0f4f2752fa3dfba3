"""Fields and filters that several requests about mechanisms share."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Annotated, Any

from litestar import Request
from litestar.params import QueryParameter
from msgspec import Struct

from mechshare.domain.categories import is_slug
from mechshare.domain.ids import CategoryId, UserId
from mechshare.domain.licenses import LICENSES, clean_license
from mechshare.domain.mechanism_filters import CategoryMatch, MechanismFilter, few_ranges, search_filter
from mechshare.domain.motion import MAX_PERIOD, MIN_PERIOD, MotionKind
from mechshare.domain.named_values import MAX_VALUES, ValueRange, range_in
from mechshare.domain.reliability import MAX_REASON_LENGTH, Reliability
from mechshare.domain.statements import MAX_CATEGORIES
from mechshare.domain.trims import Trim
from mechshare.entrypoints.http.protocol.auth import application_of
from mechshare.entrypoints.http.protocol.openapi import documented
from mechshare.entrypoints.http.protocol.schema_names import published
from mechshare.entrypoints.http.representations.named_values import NamedValueFields

Title = Annotated[str, documented(minLength=1, maxLength=200)]
Description = Annotated[str, documented(maxLength=20_000)]
ReliabilityReason = Annotated[str, documented(maxLength=MAX_REASON_LENGTH)]
License = Annotated[str, documented(enum=sorted(LICENSES))]
StatedPeriod = Annotated[float, documented(minimum=MIN_PERIOD, maximum=MAX_PERIOD)]
"""Seconds."""
Parameters = Annotated[list[NamedValueFields], documented(maxItems=MAX_VALUES)]
CategorySlugs = Annotated[list[str], documented(maxItems=MAX_CATEGORIES)]


@published("Reliability")
class ReliabilityFields(Struct, forbid_unknown_fields=True):
    """How well the mechanism is known to be true, and why.

    `level`: 1 conjecture, 2 partly supported by experiment, 3 supported by several colleagues, 4 established,
    customers included, 5 in textbooks.
    """

    level: Annotated[int, documented(minimum=1, maximum=5)]
    reason: Annotated[str, documented(minLength=1, maxLength=MAX_REASON_LENGTH)]

    @property
    def stated(self) -> Reliability:
        return Reliability(level=self.level, reason=self.reason)


@published("Trim")
class TrimFields(Struct, forbid_unknown_fields=True):
    """The part of a clip that is shown, in ms from the start of the original; without `end`, to its end."""

    start: Annotated[int, documented(minimum=0)] = 0
    end: Annotated[int, documented(minimum=1)] | None = None

    @property
    def trim(self) -> Trim:
        return Trim(start_ms=self.start, end_ms=self.end)


Categories = Annotated[
    list[str] | None,
    QueryParameter(
        name="category",
        description="In any of these, by id or name, or in a category below one; may be repeated.",
    ),
]
CategoryMatching = Annotated[
    CategoryMatch,
    QueryParameter(
        name="category_match", description="`all` for those in all of several categories, not in any of them."
    ),
]
ByUser = Annotated[str | None, QueryParameter(name="user_id")]
ReliabilityMin = Annotated[
    int | None,
    QueryParameter(
        name="reliability_min",
        ge=1,
        le=5,
        description="Only those whose author states this level of reliability or a higher one.",
    ),
]
Licenses = Annotated[
    list[str] | None,
    QueryParameter(name="license", description="Under any of these SPDX identifiers; may be repeated."),
]
PeriodMin = Annotated[
    float | None,
    QueryParameter(
        name="period_min",
        ge=0,
        le=86_400,
        description="The shortest period in seconds, included: as its author states it, or else as measured.",
    ),
]
PeriodMax = Annotated[
    float | None,
    QueryParameter(
        name="period_max",
        ge=0,
        le=86_400,
        description="The longest period in seconds, included: as its author states it, or else as measured.",
    ),
]
MotionOf = Annotated[MotionKind | None, QueryParameter(name="motion", description="How the clip moves.")]
Loops = Annotated[
    bool | None,
    QueryParameter(name="loops", description="Whether the whole clip repeats without a jump."),
]
_RANGE = "param."
_NAMES = (
    *("category", "category_match", "license", "loops", "motion"),
    *("period_max", "period_min", "reliability_min", "user_id"),
)


def is_filter_parameter(name: str) -> bool:
    """Whether `mechanism_filter` reads the parameter, which the link to the next page then repeats."""
    return name in _NAMES or name.startswith(_RANGE)


def has_lasting_meaning(request: Request[Any, Any, Any]) -> bool:
    """Whether the address means the same at all times. One that names a category does not: categories are renamed."""
    return all(map(is_slug, request.query_params.getall("category", [])))


async def in_categories(
    request: Request[Any, Any, Any],
    filter: MechanismFilter,
    ids: Iterable[str],
    match: CategoryMatch,
) -> MechanismFilter:
    """Returns the filter with these categories, by id or name, and those below them. Raises InvalidField."""
    families = await application_of(request).categories.find_families(tuple(map(CategoryId, ids)))
    return filter.in_categories(families, match)


async def mechanism_filter(
    request: Request[Any, Any, Any],
    category: Categories = None,
    category_match: CategoryMatching = CategoryMatch.ANY,
    user_id: ByUser = None,
    reliability_min: ReliabilityMin = None,
    license: Licenses = None,
    period_min: PeriodMin = None,
    period_max: PeriodMax = None,
    motion: MotionOf = None,
    loops: Loops = None,
) -> MechanismFilter:
    """Returns the filter that the query parameters of a request state. Raises InvalidField, MalformedRequest."""
    chosen = search_filter(
        period_min=period_min,
        period_max=period_max,
        motion=motion,
        loops=loops,
        stated=stated_filter(request, reliability_min, license),
    )
    filter = replace(chosen, user_id=None if user_id is None else UserId(user_id))
    return await in_categories(request, filter, category or (), category_match)


def stated_filter(
    request: Request[Any, Any, Any], reliability_min: ReliabilityMin = None, license: Licenses = None
) -> MechanismFilter:
    """Returns the filter by what authors state: level, licence and ranges of parameters. Raises InvalidField."""
    return MechanismFilter(
        reliability_min=reliability_min,
        licenses=tuple(filter(None, map(clean_license, license or ()))),
        ranges=_ranges(request.query_params.multi_items()),
    )


def _ranges(query: Iterable[tuple[str, str]]) -> tuple[ValueRange, ...]:
    """Returns the ranges of parameters: `param.stroke=10mm..25mm`. Raises InvalidField."""
    return few_ranges(
        range_in(name, name.removeprefix(_RANGE), text) for name, text in query if name.startswith(_RANGE)
    )
