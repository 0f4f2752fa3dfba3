"""What the author of a mechanism states about it. A further field of a statement is a field here and of Mechanism."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypedDict

from mechshare.domain.categories import is_slug
from mechshare.domain.errors import CategoryNotFound, InvalidField
from mechshare.domain.ids import CategoryId
from mechshare.domain.licenses import clean_license
from mechshare.domain.motion import clean_period
from mechshare.domain.named_values import NamedValue, clean_values
from mechshare.domain.reliability import Reliability, clean_reliability
from mechshare.domain.text import clean_text

MAX_CATEGORIES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """`categories` are ids, or as the author writes them: ids and names. `license` is an SPDX identifier; None if the
    author states none, as with `reliability`. With `original_offered`, all who see the mechanism may download the file
    as it is stored. `stated_period` is in seconds; None if the author states none."""

    title: str
    description: str = ""
    categories: Sequence[str] = ()
    reliability: Reliability | None = None
    parameters: Sequence[NamedValue] = ()
    license: str | None = None
    original_offered: bool = True
    stated_period: float | None = None

    def cleaned(self) -> "Statement":
        """Returns the statement, whose categories are ids, with its texts normalised. Raises InvalidField,
        CategoryNotFound."""
        return Statement(
            title=clean_title(self.title),
            description=clean_description(self.description),
            categories=clean_categories(self.categories),
            reliability=clean_reliability(self.reliability),
            parameters=clean_values("parameters", self.parameters),
            license=clean_license(self.license),
            original_offered=self.original_offered,
            stated_period=clean_period(self.stated_period),
        )


class StatementChanges(TypedDict, total=False):
    """The fields of a statement that change, with their new values."""

    title: str
    description: str
    categories: Sequence[str]
    reliability: Reliability | None
    parameters: Sequence[NamedValue]
    license: str | None
    original_offered: bool
    stated_period: float | None


def clean_title(title: str) -> str:
    return clean_text("title", title, min_length=1, max_length=200)


def clean_description(description: str) -> str:
    return clean_text("description", description, min_length=0, max_length=20_000, lines=True)


def clean_categories(categories: Iterable[str]) -> tuple[CategoryId, ...]:
    """Returns each category once, in the given order.

    Raises InvalidField for more than MAX_CATEGORIES, CategoryNotFound for text that can't be a category id.
    """
    distinct = distinct_categories(categories)
    if not all(map(is_slug, distinct)):
        raise CategoryNotFound()
    return tuple(map(CategoryId, distinct))


def distinct_categories(categories: Iterable[str]) -> tuple[str, ...]:
    """Returns each id or name once, in the given order. Raises InvalidField for more than MAX_CATEGORIES."""
    distinct = tuple(dict.fromkeys(categories))
    if len(distinct) > MAX_CATEGORIES:
        raise InvalidField(
            "categories",
            en=f"at most {MAX_CATEGORIES} categories.",
            ja=f"カテゴリーは {MAX_CATEGORIES} 個までです。",
        )
    return distinct
