"""How often something may be done."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """At most `amount` uses in a window of `seconds`, counted under `name`; no limit for an amount of 0."""

    name: str
    amount: int
    seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`remaining` of the quota, and whole seconds until all of it is back (`reset_after`).

    `retry_after`: whole seconds until a use is allowed again; 0 where this one was.
    """

    allowed: bool
    remaining: int
    reset_after: int
    retry_after: int = 0
