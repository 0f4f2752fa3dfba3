"""Domain events of marks: a part of the union `mechshare.domain.events.Event`."""

from dataclasses import dataclass

from mechshare.domain.ids import UserId
from mechshare.domain.marks import Mark


@dataclass(frozen=True, slots=True)
class MechanismLiked:
    """`owner_id` is the owner of the mechanism."""

    mark: Mark
    owner_id: UserId
