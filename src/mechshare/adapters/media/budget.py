"""The time that the child process may use: it grows with the pixels and frames that the child has decoded."""

import time
from pathlib import Path

from mechshare.adapters.media.limits import MediaLimits


class TimeBudget:
    """Measures the time of the process `pid`, from now on, against `limits`."""

    def __init__(self, limits: MediaLimits, pid: int) -> None:
        self._limits = limits
        self._statistics = Path(f"/proc/{pid}/schedstat")
        self._begun = time.monotonic()
        self._used_before, self._waited_before = self._times()
        self._pixels = self._frames = 0
        self.is_exhausted_by_work = False

    def add(self, pixels: int, frames: int) -> None:
        """Grants time for `pixels` and `frames`, the totals so far. They never shrink and never exceed the limits."""
        self._pixels = max(self._pixels, min(pixels, self._limits.pixels))
        self._frames = max(self._frames, min(frames, self._limits.frames))

    def exceeded(self) -> str | None:
        """Returns which bound the process has exceeded, None if it has exceeded none.

        Then `is_exhausted_by_work` says whether it was the processor time, which the clip would use up again.
        """
        used, waited = self._times()
        elapsed = time.monotonic() - self._begun - (waited - self._waited_before)
        for name, spent, bound in (
            ("processor time", used - self._used_before, self._limits.cpu_bound(self._pixels, self._frames)),
            ("wall clock", elapsed, self._limits.wall_bound(self._pixels, self._frames)),
        ):
            if spent > bound:
                self.is_exhausted_by_work = name == "processor time"
                return f"{name}: {spent:.1f} s, at most {bound:.1f} s for {self._frames:,} frames"
        return None

    def _times(self) -> tuple[float, float]:
        """Returns how long the process has run and how long it has waited for a processor, in seconds; (0, 0) where the
        system does not say (proc(5), schedstat)."""
        try:
            ran, waited, *_ = self._statistics.read_text().split()
        except (OSError, ValueError):
            return 0.0, 0.0
        return int(ran) / 1e9, int(waited) / 1e9
