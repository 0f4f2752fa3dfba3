"""How well a mechanism is known to be true: five levels, each given with a reason."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from mechshare.domain.errors import InvalidField
from mechshare.domain.ids import MechanismId, UserId
from mechshare.domain.text import clean_text

MAX_REASON_LENGTH = 1_000
MAX_CHANGES = 100
"""The changes that a history shows, the latest ones."""


class ReliabilityLevel(IntEnum):
    """Who supports the mechanism; a higher level is more reliable."""

    CONJECTURE = 1
    PARTLY_SUPPORTED = 2
    SUPPORTED_BY_COLLEAGUES = 3
    ESTABLISHED = 4
    IN_TEXTBOOKS = 5

    def name_in(self, language: str) -> str:
        """Returns the name of the level in `language`, `en` or `ja`."""
        return _NAMES[self][language]


_NAMES: Mapping[ReliabilityLevel, Mapping[str, str]] = {
    ReliabilityLevel.CONJECTURE: {"en": "Conjecture", "ja": "妄想モデル"},
    ReliabilityLevel.PARTLY_SUPPORTED: {
        "en": "Partly supported by experiment",
        "ja": "実験により一部支持",
    },
    ReliabilityLevel.SUPPORTED_BY_COLLEAGUES: {
        "en": "Supported by several colleagues",
        "ja": "社内複数人が支持",
    },
    ReliabilityLevel.ESTABLISHED: {
        "en": "Established, customers included",
        "ja": "顧客含めて定番認識化",
    },
    ReliabilityLevel.IN_TEXTBOOKS: {"en": "In textbooks", "ja": "教科書に記載"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reliability:
    """The level that the author states, and why."""

    level: int
    reason: str

    def name_in(self, language: str) -> str:
        """Returns the name of the level in `language`, `en` or `ja`."""
        return ReliabilityLevel(self.level).name_in(language)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReliabilityChange:
    """The level that a mechanism has since its `version`; None if its author took the statement back."""

    mechanism_id: MechanismId
    version: int
    changed_by: UserId
    changed_at: datetime
    level: int | None
    reason: str

    @property
    def stated(self) -> Reliability | None:
        return None if self.level is None else Reliability(level=self.level, reason=self.reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthoredChange:
    """A change, and the display name of who made it; None if the account was deleted."""

    change: ReliabilityChange
    name: str | None


def stated_reliability(level: str, reason: str) -> Reliability | None:
    """Returns what the fields of a form state; None if both are empty. `clean_reliability` checks it."""
    if not level and not reason.strip():
        return None
    return Reliability(level=int(level) if level in ("1", "2", "3", "4", "5") else 0, reason=reason)


def clean_reliability(stated: Reliability | None) -> Reliability | None:
    """Returns what the author states, with its reason normalised; None if nothing is stated. Raises InvalidField."""
    if stated is None:
        return None
    if stated.level not in list(ReliabilityLevel):
        raise InvalidField(
            "reliability_level",
            en="must be a level from 1 (conjecture) to 5 (in textbooks).",
            ja="1（妄想モデル）〜5（教科書に記載）で指定してください。",
        )
    reason = clean_text(
        "reliability_reason", stated.reason, min_length=1, max_length=MAX_REASON_LENGTH, lines=True
    )
    return Reliability(level=int(stated.level), reason=reason)
