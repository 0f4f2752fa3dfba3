"""What visitors of this process did since it was last written: noting a visit costs an insertion into a set."""

from typing import NamedTuple

from mechshare.domain.ids import MechanismId, UserId
from mechshare.domain.statistics import VisitKind

MAX_VISITS = 100_000
"""Visits that one process remembers, some 50 MB; further ones are not counted until these are written."""


class Visitor(NamedTuple):
    """A visitor: the account, or else the address and user agent, which are never stored."""

    user_id: UserId | None
    address: str
    user_agent: str

    @property
    def name(self) -> str:
        """What distinguishes this visitor from others."""
        return self.user_id or f"{self.address}\0{self.user_agent}"


class Visit(NamedTuple):
    kind: VisitKind
    mechanism_id: MechanismId
    visitor: Visitor


class Visits:
    def __init__(self) -> None:
        self._visits: set[Visit] = set()

    def note(self, kind: VisitKind, mechanism_id: MechanismId, visitor: Visitor) -> None:
        if len(self._visits) < MAX_VISITS:
            self._visits.add(Visit(kind, mechanism_id, visitor))

    def take(self) -> list[Visit]:
        """Returns the visits, each once, and forgets them."""
        taken, self._visits = list(self._visits), set()
        return taken
