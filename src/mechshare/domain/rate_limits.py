"""How often something may be done."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """At most `amount` in any `seconds`, counted under `name`."""

    name: str
    amount: int
    seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`remaining` of the quota, and whole seconds until all of it is back (`reset_after`)."""

    allowed: bool
    remaining: int
    reset_after: int
