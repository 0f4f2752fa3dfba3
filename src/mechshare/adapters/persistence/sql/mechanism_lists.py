"""The statements behind lists of mechanisms, one set for each way to narrow and to sort them."""

import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, bindparam, or_, select, text

from mechshare.adapters.persistence.sql.mechanism_rows import AUTHORED
from mechshare.adapters.persistence.sql.paging import Listing, listing
from mechshare.adapters.persistence.sql.tables import mechanism_categories, mechanisms, users
from mechshare.domain.ids import CategoryId, UserId
from mechshare.domain.mechanisms import MechanismSort

_KEYS: dict[MechanismSort, ColumnElement[Any]] = {
    MechanismSort.NEWEST: mechanisms.c.created_at,
    MechanismSort.OLDEST: mechanisms.c.created_at,
    MechanismSort.RECENTLY_CHANGED: mechanisms.c.updated_at,
    MechanismSort.TITLE: mechanisms.c.title,
}
_DESCENDING = (MechanismSort.NEWEST, MechanismSort.RECENTLY_CHANGED)
_BY_CREATION = (MechanismSort.NEWEST, MechanismSort.OLDEST)

# As the partial indexes have it: SQLite uses none of them for the `is_published = 1` that a column would be put as.
_IS_PUBLISHED = text("mechanisms.is_published")
_IS_PUBLISHED_IN_CATEGORY = text("mechanism_categories.is_published")


def mechanism_list(
    sort: MechanismSort,
    category_ids: Sequence[CategoryId],
    user_id: UserId | None,
    published_only: bool,
    words: Sequence[str] = (),
) -> tuple[Listing, dict[str, Any]]:
    """The statements for such a list and the parameters of its conditions."""
    is_plain = user_id is None and published_only and not words
    if len(category_ids) == 1 and is_plain and sort in _BY_CREATION:
        return _of_category(sort), {"category_id": category_ids[0]}
    parameters = _patterns(words)
    if user_id is not None:
        parameters["user_id"] = user_id
    if category_ids:
        parameters["category_ids"] = list(category_ids)
    return _narrowed(sort, bool(category_ids), user_id is not None, published_only, len(words)), parameters


@cache
def _of_category(sort: MechanismSort) -> Listing:
    """What is published in one category by the time of creation, which an index of the category's own keeps sorted."""
    conditions = (mechanism_categories.c.category_id == bindparam("category_id"), _IS_PUBLISHED_IN_CATEGORY)
    rows = (
        AUTHORED.select_from(mechanism_categories)
        .join(mechanisms, mechanisms.c.id == mechanism_categories.c.mechanism_id)
        .join(users, users.c.id == mechanisms.c.user_id)
    )
    return listing(
        rows.where(*conditions),
        key=mechanism_categories.c.created_at,
        id=mechanism_categories.c.mechanism_id,
        descending=sort in _DESCENDING,
        counted=select(mechanism_categories.c.mechanism_id).where(*conditions),
    )


@cache
def _narrowed(
    sort: MechanismSort, by_category: bool, by_user: bool, published_only: bool, words: int
) -> Listing:
    conditions: list[Any] = list(map(_holds, range(words)))
    if published_only:
        conditions.append(_IS_PUBLISHED)
    if by_user:
        conditions.append(mechanisms.c.user_id == bindparam("user_id"))
    if by_category:
        inside = select(mechanism_categories.c.mechanism_id).where(
            mechanism_categories.c.category_id.in_(bindparam("category_ids", expanding=True))
        )
        conditions.append(mechanisms.c.id.in_(inside))
    authored = mechanisms.join(users, users.c.id == mechanisms.c.user_id)
    counted = select(mechanisms.c.id).select_from(authored if words else mechanisms)
    return listing(
        AUTHORED.select_from(authored).where(*conditions),
        key=_KEYS[sort],
        id=mechanisms.c.id,
        descending=sort in _DESCENDING,
        counted=counted.where(*conditions),
    )


def _patterns(words: Sequence[str]) -> dict[str, Any]:
    """Each word as it was typed and as it is usually stored: all that databases surely ignore is the case of ASCII."""
    return {
        name: _pattern(spelling)
        for number, word in enumerate(words)
        for name, spelling in zip(_names(number), (word, _usual(word)), strict=True)
    }


def _holds(number: int) -> ColumnElement[bool]:
    """Whether the word of this number stands somewhere, in one of its spellings."""
    return or_(*_likes(number))


def _likes(number: int) -> Iterator[ColumnElement[bool]]:
    for column in (mechanisms.c.title, mechanisms.c.description, users.c.display_name):
        for name in _names(number):
            yield column.ilike(bindparam(name), escape="\\")


def _names(number: int) -> tuple[str, str]:
    """Of the parameters for a word as it was typed, and as it is usually stored."""
    return f"typed_{number}", f"usual_{number}"


def _usual(word: str) -> str:
    return unicodedata.normalize("NFKC", word).lower()


def _pattern(word: str) -> str:
    for special in ("\\", "%", "_"):
        word = word.replace(special, "\\" + special)
    return f"%{word}%"
