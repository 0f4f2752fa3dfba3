"""The source of the current time."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """Returns the current time: aware, in UTC, in whole microseconds."""
