"""Quotas and verdicts of rate limits."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """At most `amount` uses in a window of `seconds`, counted under `name`; no limit for an amount of 0."""

    name: str
    amount: int
    seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`remaining` uses of the quota; `reset_after` is in whole seconds until all of it is available again.

    `retry_after` is in whole seconds until a use is allowed again; 0 if this one is allowed.
    """

    allowed: bool
    remaining: int
    reset_after: int
    retry_after: int = 0
