"""Which mechanisms a list contains."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from mechshare.domain.ids import CategoryId, UserId
from mechshare.domain.mechanisms import Mechanism


@dataclass(frozen=True, slots=True, kw_only=True)
class MechanismFilter:
    """The mechanisms that meet every condition that is given: in any of `category_ids`, of the user `user_id`, and with
    a stated reliability of at least `reliability_min`.

    A further condition is a field, whose default means that it is not given, and a line in `admits`; the statements of
    SQL name it as the field.
    """

    category_ids: tuple[CategoryId, ...] = ()
    user_id: UserId | None = None
    reliability_min: int | None = None

    @property
    def given(self) -> Mapping[str, Any]:
        """The conditions that are given, by the names of their fields."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if value not in (None, ())}

    @property
    def conditions(self) -> str:
        """The conditions as text; equal ones give equal texts, in whatever order the categories are."""
        # repr quotes user input, so that different conditions never share a text.
        return repr({**self.given, "category_ids": sorted(self.category_ids)})

    def admits(self, mechanism: Mechanism) -> bool:
        """Whether the mechanism meets the conditions."""
        return (
            (not self.category_ids or not set(self.category_ids).isdisjoint(mechanism.categories))
            and self.user_id in (None, mechanism.user_id)
            and mechanism.reliability_rank >= (self.reliability_min or 0)
        )


EVERY_MECHANISM = MechanismFilter()
