"""The time, as the core is told it."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """The present instant: aware, in UTC, whole microseconds."""
