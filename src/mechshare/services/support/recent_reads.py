"""Who read which draft lately, so that the audit log gets one entry for many requests."""

from datetime import datetime, timedelta

from mechshare.domain.ids import UserId

COALESCED_FOR = timedelta(hours=1)
"""A player requests a clip in many ranges, and a page its status every few seconds: one entry stands for an hour."""
_MAX_ENTRIES = 10_000


class RecentReads:
    """Remembers the last _MAX_ENTRIES reads of this process."""

    def __init__(self) -> None:
        self._times: dict[tuple[UserId, str], datetime] = {}

    def add(self, reader: UserId, subject: str, now: datetime) -> None:
        self._times.pop((reader, subject), None)
        self._times[reader, subject] = now
        if len(self._times) > _MAX_ENTRIES:
            del self._times[next(iter(self._times))]

    def has(self, reader: UserId, subject: str, now: datetime) -> bool:
        """Whether `reader` read `subject` in the last hour; not if a clock that was set back dates the read ahead."""
        time = self._times.get((reader, subject))
        return time is not None and timedelta(0) <= now - time < COALESCED_FOR
