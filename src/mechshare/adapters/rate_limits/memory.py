"""Rate limits counted in memory, for one process or for all processes of a machine."""

import time
from collections.abc import Callable
from pathlib import Path

from mechshare.adapters.rate_limits.table import CounterTable
from mechshare.adapters.rate_limits.window import allows_another, verdict
from mechshare.domain.rate_limits import Quota, Verdict

_ENTRIES = 32_768


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

    async def hit(self, quota: Quota, key: str) -> Verdict:
        windows, elapsed = divmod(self._now(), quota.seconds)
        window = int(windows)
        entry, before, present = self._table.find(quota, key, window)
        allowed = allows_another(quota, before, present, elapsed)
        if allowed:
            self._table.add(entry, quota, window)
            present += 1
        return verdict(quota, before, present, elapsed, allowed=allowed)

    async def check(self) -> str:
        return "in memory of this machine's processes" if self._is_shared else "in this process's memory"

    async def close(self) -> None:
        self._table.close()
