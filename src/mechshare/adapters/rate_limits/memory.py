"""Rate limits counted in memory, for one process or for all processes of a machine."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mechshare.adapters.rate_limits.table import CounterTable
from mechshare.adapters.rate_limits.window import ROUNDING, uses_left, verdict
from mechshare.adapters.shared_memory import LoopTurns
from mechshare.domain.rate_limits import Quota, Verdict

_ENTRIES = 32_768
_MAX_USES = 1_000
"""The maximum number of callers whose uses are remembered during a turn of the event loop."""


class MemoryRateLimiter:
    """A sliding-window counter for each caller (see `window` for its accuracy); a hit takes a few microseconds.

    `table` is a file that every process of the machine maps; the quota applies to all of them together. Memory is
    bounded for any number of callers: beyond `entries`, those whose windows end first are dropped. `now` returns
    seconds since a point in time that the processes share, and never goes back.
    """

    def __init__(
        self,
        table: Path | None = None,
        *,
        entries: int = _ENTRIES,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._is_shared = table is not None
        self._table = CounterTable(table, entries)
        self._now = now
        self._turns = LoopTurns()
        self._uses: dict[tuple[str, str], _Uses] = {}
        """The uses of callers that this turn of the event loop has read: a turn of a busy server has many requests."""

    async def hit(self, quota: Quota, key: str) -> Verdict:
        if self._turns.begins() or len(self._uses) > _MAX_USES:
            self._uses.clear()
        uses = self._uses.get((quota.name, key)) or self._find(quota, key)
        allowed = uses_left(quota, uses.previous, uses.current, uses.elapsed) >= 1 - ROUNDING
        if allowed:
            self._table.add(uses.entry, quota, uses.window)
            uses.current += 1
        return verdict(quota, uses.previous, uses.current, uses.elapsed, allowed=allowed)

    def _find(self, quota: Quota, key: str) -> "_Uses":
        windows, elapsed = divmod(self._now(), quota.seconds)
        window = int(windows)
        entry, previous, current = self._table.find(quota, key, window)
        uses = self._uses[quota.name, key] = _Uses(entry, window, elapsed, previous, current)
        return uses

    async def check(self) -> str:
        return "in memory of this machine's processes" if self._is_shared else "in this process's memory"

    async def close(self) -> None:
        self._table.close()


@dataclass(slots=True)
class _Uses:
    """A caller's uses in the window before `window`, and in `window`, which began `elapsed` seconds ago."""

    entry: int
    window: int
    elapsed: float
    previous: int
    current: int
