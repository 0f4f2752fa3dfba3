"""Domain events about how clips move."""

from dataclasses import dataclass

from mechshare.domain.ids import MechanismId, UserId


@dataclass(frozen=True, slots=True)
class AnalysisRequested:
    """The motion of a clip is to be analysed again."""

    mechanism_id: MechanismId


@dataclass(frozen=True, slots=True)
class MotionSearchBegun:
    """A user searches by the clip that is stored under `key`."""

    key: str
    user_id: UserId
    request_id: str


@dataclass(frozen=True, slots=True)
class MotionSearchEnded:
    """A search no longer needs its clip, which is stored under `key`."""

    key: str
    request_id: str
