"""Which mechanisms a list contains."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from enum import StrEnum
from operator import attrgetter
from typing import Any

from mechshare.domain.errors import InvalidField, MalformedRequest
from mechshare.domain.follows import Interests
from mechshare.domain.ids import CategoryId, UserId
from mechshare.domain.mechanisms import Mechanism
from mechshare.domain.motion import MotionKind
from mechshare.domain.named_values import NamedValue, ValueRange
from mechshare.domain.statements import MAX_CATEGORIES

MAX_RANGES = 5


class CategoryMatch(StrEnum):
    """Whether a mechanism is in any of several categories, or in all of them."""

    ANY = "any"
    ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class MechanismFilter:
    """The mechanisms that meet every condition that is given: in any of `category_ids`, in one category of each of
    `families`, at most MAX_CATEGORIES, of the user `user_id`, with a stated reliability of at least `reliability_min`,
    created from `created_from` on and before `created_before`, of a duration and of a period between two bounds each,
    both included (in ms), of a kind of `motion`, whose whole clip loops if `loops`, under any of `licenses`, with
    parameters in all `ranges`, at most MAX_RANGES, and among somebody's `interests`. What does not move meets no
    condition about its duration.

    A further condition is a field, whose default means that it is not given, and a line in `admits`; the statements of
    SQL name it as the field.
    """

    category_ids: tuple[CategoryId, ...] = ()
    families: tuple[tuple[CategoryId, ...], ...] = ()
    user_id: UserId | None = None
    reliability_min: int | None = None
    created_from: datetime | None = None
    created_before: datetime | None = None
    min_duration_ms: int | None = None
    max_duration_ms: int | None = None
    min_period_ms: float | None = None
    max_period_ms: float | None = None
    motion: MotionKind | None = None
    loops: bool | None = None
    licenses: tuple[str, ...] = ()
    ranges: tuple[ValueRange, ...] = ()
    interests: Interests | None = None

    @property
    def given(self) -> Mapping[str, Any]:
        """The conditions that are given, by the names of their fields."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if value not in (None, ())}

    @property
    def conditions(self) -> str:
        """The conditions as text; equal ones give equal texts, in whatever order the categories are."""
        # repr quotes user input, so that different conditions never share a text.
        return repr(
            {**self.given, "category_ids": sorted(self.category_ids), "families": sorted(self.families)}
        )

    def admits(self, mechanism: Mechanism) -> bool:
        """Whether the mechanism meets the conditions."""
        return (
            self._admits_interests(mechanism)
            and self.admits_categories(mechanism.categories)
            and self.user_id in (None, mechanism.user_id)
            and self.admits_times(mechanism.created_at, mechanism.duration)
            and self.admits_motion(mechanism.period, mechanism.motion_kind, loops=mechanism.loops)
            and self.admits_statement(mechanism.reliability_rank, mechanism.license, mechanism.parameters)
        )

    def admits_categories(self, categories: Sequence[CategoryId]) -> bool:
        """Whether a mechanism in these categories meets the conditions about categories."""
        wanted = (*self.families, self.category_ids) if self.category_ids else self.families
        return all(not set(family).isdisjoint(categories) for family in wanted)

    def in_categories(
        self, families: Sequence[tuple[CategoryId, ...]], match: CategoryMatch
    ) -> "MechanismFilter":
        """Returns the filter with these families of categories: one of any of them, or one of each.

        Raises InvalidField for more than MAX_CATEGORIES that a mechanism should all have.
        """
        if match is CategoryMatch.ANY or len(families) == 1:
            return replace(self, category_ids=tuple(dict.fromkeys(id for one in families for id in one)))
        if len(families) > MAX_CATEGORIES:
            raise InvalidField(
                "category",
                en=f"no mechanism is in more than {MAX_CATEGORIES} categories: state fewer, or any of them.",
                ja=f"1 つの機構のカテゴリーは {MAX_CATEGORIES} 個までです。数を減らすか、"
                "いずれかに一致する指定にしてください。",
            )
        return replace(self, families=tuple(families))

    def admits_times(self, created_at: datetime, seconds: float | None) -> bool:
        """Whether a mechanism that was created then and moves for `seconds` meets the conditions about both."""
        return (
            (self.created_from is None or created_at >= self.created_from)
            and (self.created_before is None or created_at < self.created_before)
            and self._admits_duration(seconds)
        )

    def admits_motion(self, period: float | None, kind: MotionKind | None, *, loops: bool) -> bool:
        """Whether a mechanism of this period, in seconds, and kind of motion meets the conditions about them."""
        least, most = self.min_period_ms, self.max_period_ms
        if period is None:
            is_in_bounds = least is None and most is None
        else:
            is_in_bounds = (least is None or period >= least / 1000) and (
                most is None or period <= most / 1000
            )
        return is_in_bounds and self.motion in (None, kind) and self.loops in (None, loops)

    def admits_statement(self, level: int, license: str | None, parameters: Sequence[NamedValue]) -> bool:
        """Whether a mechanism of this level of reliability (0 without one) and licence, with these parameters, meets
        the conditions about what the author states."""
        return (
            level >= (self.reliability_min or 0)
            and (not self.licenses or license in self.licenses)
            and all(any(map(range.contains, parameters)) for range in self.ranges)
        )

    def _admits_interests(self, mechanism: Mechanism) -> bool:
        wanted = self.interests
        if wanted is None:
            return True
        return mechanism.user_id in wanted.user_ids or not set(wanted.category_ids).isdisjoint(
            mechanism.categories
        )

    def _admits_duration(self, seconds: float | None) -> bool:
        least, most = self.min_duration_ms, self.max_duration_ms
        if seconds is None:
            return least is None and most is None
        return (least is None or seconds >= least / 1000) and (most is None or seconds <= most / 1000)


EVERY_MECHANISM = MechanismFilter()


def few_ranges(ranges: Iterable[ValueRange]) -> tuple[ValueRange, ...]:
    """Returns the ranges in an order that is the same however they were given. Raises InvalidField for too many."""
    ordered = tuple(sorted(ranges, key=attrgetter("key", "low", "high", "quantity")))
    if len(ordered) > MAX_RANGES:
        raise InvalidField(
            "param",
            en=f"at most {MAX_RANGES} ranges of parameters.",
            ja=f"パラメーターの範囲は {MAX_RANGES} 個までです。",
        )
    return ordered


def search_filter(
    created_from: datetime | None = None,
    created_before: datetime | None = None,
    duration_min: float | None = None,
    duration_max: float | None = None,
    period_min: float | None = None,
    period_max: float | None = None,
    motion: MotionKind | None = None,
    loops: bool | None = None,
    stated: MechanismFilter = EVERY_MECHANISM,
) -> MechanismFilter:
    """Returns the conditions as callers write them: durations and periods in seconds; a time without a zone is in UTC.
    Those about what authors state are of `stated`.

    Raises MalformedRequest for bounds that nothing can meet.
    """
    chosen = replace(
        stated,
        created_from=_in_utc(created_from),
        created_before=_in_utc(created_before),
        min_duration_ms=_milliseconds(duration_min),
        max_duration_ms=_milliseconds(duration_max),
        min_period_ms=None if period_min is None else period_min * 1000,
        max_period_ms=None if period_max is None else period_max * 1000,
        motion=motion,
        loops=loops,
    )
    wrong = []
    if chosen.created_from and chosen.created_before and chosen.created_from >= chosen.created_before:
        wrong.append(("created_before", "must be later than created_from."))
    if duration_min is not None and duration_max is not None and duration_min > duration_max:
        wrong.append(("duration_max", "must not be less than duration_min."))
    if period_min is not None and period_max is not None and period_min > period_max:
        wrong.append(("period_max", "must not be less than period_min."))
    if wrong:
        raise MalformedRequest(problem="see details.", details=wrong)
    return chosen


def _in_utc(time: datetime | None) -> datetime | None:
    return time.replace(tzinfo=UTC) if time is not None and time.tzinfo is None else time


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)
