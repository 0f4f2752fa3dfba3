"""The statements of lists of mechanisms, one set for each combination of filters and sort order."""

import unicodedata
from collections.abc import Mapping, Sequence
from enum import Enum
from functools import cache
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Float,
    Integer,
    Select,
    and_,
    bindparam,
    false,
    func,
    literal_column,
    or_,
    select,
    text,
    union_all,
)
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from mechshare.adapters.persistence.sql.mechanisms.rows import AUTHORED
from mechshare.adapters.persistence.sql.pagination import PagedQuery, paged_query
from mechshare.adapters.persistence.sql.shares import IS_WITH_READER, shares
from mechshare.adapters.persistence.sql.tables import (
    IS_INTERNAL,
    IS_PRIVATE,
    document_pages,
    mechanism_categories,
    mechanism_parameters,
    mechanisms,
    users,
)
from mechshare.domain.mechanism_filters import MAX_RANGES, MechanismFilter
from mechshare.domain.mechanism_sorts import MechanismSort
from mechshare.domain.pages import MAX_SCANNED_TEXT
from mechshare.domain.statements import MAX_CATEGORIES
from mechshare.domain.visibility import ListScope

_PUBLIC = ("public",)
# Literally the conditions of the partial indexes. SQLAlchemy would write `is_published = 1`, for which SQLite uses
# none.
PARTS: Mapping[str, Sequence[Any]] = {
    "everything": (),
    "public": (text("mechanisms.is_published"),),
    "internal": (text(IS_INTERNAL),),
    "own": (text(IS_PRIVATE), mechanisms.c.user_id == bindparam("reader")),
    "shared": (
        text(IS_PRIVATE),
        mechanisms.c.user_id != bindparam("reader"),
        mechanisms.c.id.in_(select(shares.c.mechanism_id).where(IS_WITH_READER)),
    ),
}
"""The conditions of each part of a list, by the parameter `reader`. No two parts but `everything` have a common
mechanism."""
_IS_PUBLISHED_IN_CATEGORY = text("mechanism_categories.is_published")
_MERGED_KEYS = ("created_at", "new_since")
_MAX_MERGED = 20
"""Categories whose lists are merged. For more of them, the list of all mechanisms is searched."""


def mechanism_list(
    sort: MechanismSort,
    filter: MechanismFilter,
    scope: ListScope,
    words: Sequence[str] = (),
    other_names: Sequence[Sequence[str]] = (),
    among: int = 0,
) -> tuple[PagedQuery, dict[str, Any]]:
    """Returns the statements of the list and the parameters of its conditions."""
    given, parameters = _given(filter)
    if scope.reader is not None:
        parameters["reader"] = scope.reader
    parts = parts_of(scope)
    is_of_categories = given == ("category_ids",) and len(filter.category_ids) <= _MAX_MERGED
    if is_of_categories and parts == _PUBLIC and not words and sort.order.column in _MERGED_KEYS:
        return _of_categories(sort, len(filter.category_ids)), _numbered("category", filter.category_ids)
    if not words:
        return _narrowed(sort, given, parts), parameters
    spellings = _with_names(_spellings(words), other_names)
    patterns = {
        _name(number, place): _pattern(spelling)
        for number, word in enumerate(spellings)
        for place, spelling in enumerate(word)
    }
    listed = _holding(sort, given, parts, len(spellings), len(spellings[0]), among)
    return listed, parameters | patterns


def _given(filter: MechanismFilter) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Returns the names of the conditions that are given, and their parameters."""
    # The value of an enumeration: PostgreSQL's driver would send its name.
    values = {name: value.value if isinstance(value, Enum) else value for name, value in filter.given.items()}
    families = _numbered("family", values.pop("families", ()))
    interests = values.pop("interests", None)
    wanted: dict[str, Any] = {}
    if interests is not None:
        values["interests"] = None
        wanted = {"interest_users": interests.user_ids, "interest_categories": interests.category_ids}
    ranges = _numbered("range", values.pop("ranges", ()))
    bounds = {
        f"{name}_{field}": getattr(one, field)
        for name, one in ranges.items()
        for field in ("key", "quantity", "low", "high")
    }
    return (*values, *families, *ranges), values | families | bounds | wanted


def _numbered(name: str, values: Sequence[Any]) -> dict[str, Any]:
    return {f"{name}_{number}": value for number, value in enumerate(values)}


@cache
def _of_categories(sort: MechanismSort, count: int) -> PagedQuery:
    """Returns the list of what is published in any of `count` categories, by one of _MERGED_KEYS. An index keeps each
    category sorted, so only the beginnings of the categories are read and merged."""
    own = mechanism_categories.c
    counted, *further = [
        select(own.mechanism_id).where(
            own.category_id == bindparam(f"category_{number}"), _IS_PUBLISHED_IN_CATEGORY
        )
        for number in range(count)
    ]
    return paged_query(
        AUTHORED.select_from(mechanisms.join(users, users.c.id == mechanisms.c.user_id)),
        key=_key(mechanisms.c, sort),
        id=mechanisms.c.id,
        descending=sort.order.is_descending,
        counted=counted,
        further=further,
        are_disjoint=False,
        counted_key=_key(own, sort),
        counted_id=own.mechanism_id,
    )


@cache
def _narrowed(sort: MechanismSort, given: tuple[str, ...], parts: tuple[str, ...]) -> PagedQuery:
    authored = mechanisms.join(users, users.c.id == mechanisms.c.user_id)
    counted, *further = [select(mechanisms.c.id).where(*conditions) for conditions in _each(parts, given)]
    return paged_query(
        AUTHORED.select_from(authored),
        key=_key(mechanisms.c, sort),
        id=mechanisms.c.id,
        descending=sort.order.is_descending,
        counted=counted,
        further=further,
    )


@cache
def _holding(
    sort: MechanismSort,
    given: tuple[str, ...],
    parts: tuple[str, ...],
    words: int,
    spellings: int,
    among: int,
) -> PagedQuery:
    """Returns the list of those of the `among` newest mechanisms that contain all of the words."""
    newest = _newest(given, parts, among).subquery("newest")
    author = users.c.id == newest.c.user_id
    first_page = and_(document_pages.c.mechanism_id == newest.c.id, document_pages.c.number == 1)
    page_text = func.substr(document_pages.c.text, 1, literal_column(str(MAX_SCANNED_TEXT)))
    looked_at = (newest.c.title, newest.c.description, users.c.display_name, page_text)
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
        counted=select(newest.c.id).join(users, author).outerjoin(document_pages, first_page).where(*holding),
        counted_key=_key(newest.c, sort),
        counted_id=newest.c.id,
    )


def _newest(given: tuple[str, ...], parts: tuple[str, ...], among: int) -> Select[Any]:
    in_order = (mechanisms.c.created_at.desc(), mechanisms.c.id.desc())
    # A literal: PostgreSQL estimates a parameter at a tenth of the rows, and would then scan them all.
    most: ColumnElement[int] = literal_column(str(among))
    of_parts = [
        select(mechanisms).where(*conditions).order_by(*in_order).limit(most)
        for conditions in _each(parts, given)
    ]
    if len(of_parts) == 1:
        return of_parts[0]
    together = union_all(*(select(one.subquery()) for one in of_parts)).subquery()
    return select(together).order_by(together.c.created_at.desc(), together.c.id.desc()).limit(most)


def parts_of(scope: ListScope) -> tuple[str, ...]:
    """Returns the parts of a scope, without common mechanisms: an index keeps each of them in order."""
    if scope.is_everything:
        return ("everything",)
    return _PUBLIC if scope.reader is None else (*_PUBLIC, "internal", "own", "shared")


def _each(parts: Sequence[str], given: Sequence[str]) -> list[list[Any]]:
    """Returns the conditions of each part."""
    return [[*PARTS[part], *(_CONDITIONS[name] for name in given)] for part in parts]


def _key(columns: ReadOnlyColumnCollection[str, Any], sort: MechanismSort) -> ColumnElement[Any]:
    column = sort.order.column
    if column == "period_rank":
        return func.coalesce(columns.period, literal_column("0"), type_=Float())
    if column == "new_since":
        return new_since(columns)
    return _rank(columns.reliability_level) if column == "reliability_rank" else columns[column]


def new_since(columns: ReadOnlyColumnCollection[str, Any]) -> ColumnElement[Any]:
    """Returns `Mechanism.new_since`, as in the indexes."""
    return func.coalesce(columns.published_at, columns.created_at, type_=columns.created_at.type)


def _rank(level: ColumnElement[Any]) -> ColumnElement[int]:
    """Returns `Mechanism.reliability_rank`, as literally in the index: a parameter would match none."""
    return func.coalesce(level, literal_column("0"), type_=Integer())


_MILLISECONDS = literal_column("1000.0", Float())


def _in_range(name: str) -> ColumnElement[bool]:
    own = mechanism_parameters.c
    inside = select(own.mechanism_id).where(
        own.key == bindparam(f"{name}_key"),
        own.quantity == bindparam(f"{name}_quantity"),
        own.number.between(bindparam(f"{name}_low"), bindparam(f"{name}_high")),
    )
    return mechanisms.c.id.in_(inside)


def _in_any(name: str) -> ColumnElement[bool]:
    in_it = mechanism_categories.c.category_id.in_(bindparam(name, expanding=True))
    return mechanisms.c.id.in_(select(mechanism_categories.c.mechanism_id).where(in_it))


_CONDITIONS: Mapping[str, ColumnElement[bool]] = {
    "category_ids": _in_any("category_ids"),
    "user_id": mechanisms.c.user_id == bindparam("user_id"),
    "reliability_min": _rank(mechanisms.c.reliability_level) >= bindparam("reliability_min"),
    "created_from": mechanisms.c.created_at >= bindparam("created_from"),
    "created_before": mechanisms.c.created_at < bindparam("created_before"),
    "min_duration_ms": mechanisms.c.duration >= bindparam("min_duration_ms", type_=Integer()) / _MILLISECONDS,
    "max_duration_ms": mechanisms.c.duration <= bindparam("max_duration_ms", type_=Integer()) / _MILLISECONDS,
    "min_period_ms": mechanisms.c.period >= bindparam("min_period_ms", type_=Float()) / _MILLISECONDS,
    "max_period_ms": mechanisms.c.period <= bindparam("max_period_ms", type_=Float()) / _MILLISECONDS,
    "motion": mechanisms.c.motion_kind == bindparam("motion"),
    "loops": func.coalesce(mechanisms.c.loops, false()) == bindparam("loops", type_=Boolean()),
    "interests": or_(
        mechanisms.c.user_id.in_(bindparam("interest_users", expanding=True)),
        mechanisms.c.id.in_(
            select(mechanism_categories.c.mechanism_id).where(
                mechanism_categories.c.category_id.in_(bindparam("interest_categories", expanding=True))
            )
        ),
    ),
    "licenses": mechanisms.c.license.in_(bindparam("licenses", expanding=True)),
    **{name: _in_any(name) for name in (f"family_{number}" for number in range(MAX_CATEGORIES))},
    **{name: _in_range(name) for name in (f"range_{number}" for number in range(MAX_RANGES))},
}
"""By the field of MechanismFilter, whose value the parameter of the same name has; each family and each range has
its own."""


def _spellings(words: Sequence[str]) -> Sequence[Sequence[str]]:
    """Returns each word as usually stored and, if that may differ for any of them, each also as typed.

    Only the case of ASCII is ignored by every database.
    """
    usual = [unicodedata.normalize("NFKC", word).lower() for word in words]
    if all(word.isascii() or word == stored for word, stored in zip(words, usual, strict=True)):
        return [[stored] for stored in usual]
    return [[stored, word] for word, stored in zip(words, usual, strict=True)]


def _with_names(
    spellings: Sequence[Sequence[str]], other_names: Sequence[Sequence[str]]
) -> Sequence[Sequence[str]]:
    """Returns the spellings of each word with its other names. All have as many, so that few statements differ."""
    if not any(other_names):
        return spellings
    named = [[*word, *names] for word, names in zip(spellings, other_names, strict=True)]
    most = max(map(len, named))
    return [[*word, *word[:1] * (most - len(word))] for word in named]


def _name(word: int, spelling: int) -> str:
    return f"word_{word}_{spelling}"


def _pattern(word: str) -> str:
    for special in ("\\", "%", "_"):
        word = word.replace(special, "\\" + special)
    return f"%{word}%"
