"""Quotas and verdicts of rate limits."""

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """At most `amount` uses in a window of `seconds`, counted under `name`; no limit for an amount of 0."""

    name: str
    amount: int
    seconds: int


class Verdict(NamedTuple):
    """`remaining` uses of the quota; `reset_after` is in whole seconds until all of it is available again.

    `retry_after` is in whole seconds until a use is allowed again; 0 if this one is allowed. A tuple, because every
    request makes one, and a frozen dataclass takes three times as long.
    """

    allowed: bool
    remaining: int
    reset_after: int
    retry_after: int = 0
