"""The statements of lists of mechanisms, one set for each combination of filters and sort order."""

import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    bindparam,
    func,
    literal_column,
    or_,
    select,
    text,
)
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from mechshare.adapters.persistence.sql.mechanisms.rows import AUTHORED
from mechshare.adapters.persistence.sql.pagination import PagedQuery, paged_query
from mechshare.adapters.persistence.sql.tables import mechanism_categories, mechanisms, users
from mechshare.domain.ids import CategoryId, UserId
from mechshare.domain.mechanisms import MechanismSort

# Literally the condition of the partial indexes. SQLAlchemy would write `is_published = 1`, for which SQLite uses none.
_IS_PUBLISHED = text("mechanisms.is_published")
_IS_PUBLISHED_IN_CATEGORY = text("mechanism_categories.is_published")


def mechanism_list(
    sort: MechanismSort,
    category_ids: Sequence[CategoryId],
    user_id: UserId | None,
    reliability_min: int | None,
    published_only: bool,
    words: Sequence[str] = (),
    among: int = 0,
) -> tuple[PagedQuery, dict[str, Any]]:
    """Returns the statements of the list and the parameters of its conditions."""
    is_plain = user_id is None and reliability_min is None and published_only and not words
    if len(category_ids) == 1 and is_plain and sort.order.column == "created_at":
        return _of_category(sort), {"category_id": category_ids[0]}
    spellings = _spellings(words)
    parameters: dict[str, Any] = {
        _name(number, place): _pattern(spelling)
        for number, word in enumerate(spellings)
        for place, spelling in enumerate(word)
    }
    if user_id is not None:
        parameters["user_id"] = user_id
    if category_ids:
        parameters["category_ids"] = list(category_ids)
    if reliability_min is not None:
        parameters["reliability_min"] = reliability_min
    conditions = (bool(category_ids), user_id is not None, reliability_min is not None, published_only)
    if not spellings:
        return _narrowed(sort, *conditions), parameters
    return _holding(sort, *conditions, len(spellings), len(spellings[0]), among), parameters


@cache
def _of_category(sort: MechanismSort) -> PagedQuery:
    """Returns the list of one category's published mechanisms by time of creation, which an index keeps sorted."""
    conditions = (mechanism_categories.c.category_id == bindparam("category_id"), _IS_PUBLISHED_IN_CATEGORY)
    rows = (
        AUTHORED.select_from(mechanism_categories)
        .join(mechanisms, mechanisms.c.id == mechanism_categories.c.mechanism_id)
        .join(users, users.c.id == mechanisms.c.user_id)
    )
    return paged_query(
        rows.where(*conditions),
        key=mechanism_categories.c.created_at,
        id=mechanism_categories.c.mechanism_id,
        descending=sort.order.is_descending,
        counted=select(mechanism_categories.c.mechanism_id).where(*conditions),
    )


@cache
def _narrowed(
    sort: MechanismSort, by_category: bool, by_user: bool, by_reliability: bool, published_only: bool
) -> PagedQuery:
    conditions = _conditions(by_category, by_user, by_reliability, published_only)
    authored = mechanisms.join(users, users.c.id == mechanisms.c.user_id)
    return paged_query(
        AUTHORED.select_from(authored).where(*conditions),
        key=_key(mechanisms.c, sort),
        id=mechanisms.c.id,
        descending=sort.order.is_descending,
        counted=select(mechanisms.c.id).where(*conditions),
    )


@cache
def _holding(
    sort: MechanismSort,
    by_category: bool,
    by_user: bool,
    by_reliability: bool,
    published_only: bool,
    words: int,
    spellings: int,
    among: int,
) -> PagedQuery:
    """Returns the list of those of the `among` newest mechanisms that contain all of the words."""
    newest = (
        select(mechanisms)
        .where(*_conditions(by_category, by_user, by_reliability, published_only))
        .order_by(mechanisms.c.created_at.desc(), mechanisms.c.id.desc())
        # A literal: PostgreSQL estimates a parameter at a tenth of the rows, and would then scan them all.
        .limit(literal_column(str(among)))
        .subquery("newest")
    )
    looked_at = (newest.c.title, newest.c.description, users.c.display_name)
    holding = [
        or_(
            *(
                text.ilike(bindparam(_name(number, place)), escape="\\")
                for text in looked_at
                for place in range(spellings)
            )
        )
        for number in range(words)
    ]
    return paged_query(
        AUTHORED.select_from(mechanisms.join(users, users.c.id == mechanisms.c.user_id)),
        key=_key(mechanisms.c, sort),
        id=mechanisms.c.id,
        descending=sort.order.is_descending,
        counted=select(newest.c.id).join(users, users.c.id == newest.c.user_id).where(*holding),
        counted_key=_key(newest.c, sort),
        counted_id=newest.c.id,
    )


def _conditions(by_category: bool, by_user: bool, by_reliability: bool, published_only: bool) -> list[Any]:
    conditions: list[Any] = []
    if published_only:
        conditions.append(_IS_PUBLISHED)
    if by_user:
        conditions.append(mechanisms.c.user_id == bindparam("user_id"))
    if by_reliability:
        conditions.append(_rank(mechanisms.c.reliability_level) >= bindparam("reliability_min"))
    if by_category:
        inside = select(mechanism_categories.c.mechanism_id).where(
            mechanism_categories.c.category_id.in_(bindparam("category_ids", expanding=True))
        )
        conditions.append(mechanisms.c.id.in_(inside))
    return conditions


def _key(columns: ReadOnlyColumnCollection[str, Any], sort: MechanismSort) -> ColumnElement[Any]:
    column = sort.order.column
    return _rank(columns.reliability_level) if column == "reliability_rank" else columns[column]


def _rank(level: ColumnElement[Any]) -> ColumnElement[int]:
    """Returns `Mechanism.reliability_rank`, as literally in the index: a parameter would match none."""
    return func.coalesce(level, literal_column("0"), type_=Integer())


def _spellings(words: Sequence[str]) -> Sequence[Sequence[str]]:
    """Returns each word as usually stored and, if that may differ for any of them, each also as typed.

    Only the case of ASCII is ignored by every database.
    """
    usual = [unicodedata.normalize("NFKC", word).lower() for word in words]
    if all(word.isascii() or word == stored for word, stored in zip(words, usual, strict=True)):
        return [[stored] for stored in usual]
    return [[stored, word] for word, stored in zip(words, usual, strict=True)]


def _name(word: int, spelling: int) -> str:
    return f"word_{word}_{spelling}"


def _pattern(word: str) -> str:
    for special in ("\\", "%", "_"):
        word = word.replace(special, "\\" + special)
    return f"%{word}%"
