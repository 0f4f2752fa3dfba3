"""Fields and filters that several requests about mechanisms share."""

from typing import Annotated

from litestar.params import QueryParameter
from msgspec import Struct

from mechshare.domain.ids import CategoryId, UserId
from mechshare.domain.mechanism_filters import MechanismFilter
from mechshare.domain.mechanisms import MAX_CATEGORIES
from mechshare.domain.reliability import MAX_REASON_LENGTH, Reliability
from mechshare.entrypoints.http.protocol.openapi import documented
from mechshare.entrypoints.http.protocol.schema_names import published

Title = Annotated[str, documented(minLength=1, maxLength=200)]
Description = Annotated[str, documented(maxLength=20_000)]
ReliabilityReason = Annotated[str, documented(maxLength=MAX_REASON_LENGTH)]
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


Categories = Annotated[
    list[str] | None, QueryParameter(name="category", description="In any of these; may be repeated.")
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
FILTER_PARAMETERS = ("category", "reliability_min", "user_id")
"""The parameters of `mechanism_filter`, which the link to the next page repeats."""


def mechanism_filter(
    category: Categories = None, user_id: ByUser = None, reliability_min: ReliabilityMin = None
) -> MechanismFilter:
    """Returns the filter that the query parameters of a request state."""
    return MechanismFilter(
        category_ids=tuple(map(CategoryId, category or ())),
        user_id=None if user_id is None else UserId(user_id),
        reliability_min=reliability_min,
    )
